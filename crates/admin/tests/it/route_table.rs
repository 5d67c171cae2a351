//! The table of routes, which the MCP door's tests read too.

use std::collections::HashSet;

#[test]
fn no_route_is_there_twice() {
    let mut seen = HashSet::new();
    for route in admin::routes() {
        assert!(seen.insert(route), "{route:?}");
    }
}

#[test]
fn every_path_begins_at_the_root_and_ends_without_a_slash() {
    // Clients of the gateway contract write it both ways.
    for (_, path) in admin::routes().filter(|(_, path)| *path != "/gateways/") {
        assert!(path == "/" || (path.starts_with('/') && !path.ends_with('/')), "{path}");
    }
}

#[test]
fn the_ways_that_clients_of_the_api_know_are_there() {
    let routes: HashSet<_> = admin::routes().collect();
    for (method, path) in [
        ("GET", "/health"),
        ("POST", "/auth/login"),
        ("POST", "/api/sandbox/servers/{id}/start"),
        ("POST", "/api/approvals/tools/{id}/action"),
        ("POST", "/api/approvals/modules/{id}/action"),
        ("POST", "/api/approvals/network/{id}/action"),
        ("POST", "/api/servers/{id}/allowed-hosts"),
        ("DELETE", "/api/servers/{id}/allowed-hosts/{host}"),
        ("GET", "/api/execution-logs"),
    ] {
        let found = routes.iter().find(|route| **route == (method, path));
        found.expect(path);
    }
}
