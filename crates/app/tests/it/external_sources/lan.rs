//! Sources in the operator's own network: a person allows them, and then they are as any others.

use app::external_sources::{self, Status};
use app::settings::External;
use isolated_network::run;
use serde_json::json;

use super::place::{Place, author};
use super::server::{Server, tool};

/// Machines of somebody's own network.
const LAN: &str = "192.168.7.1:8000";
const OTHER: &str = "192.168.7.2:8000";

#[test]
fn a_source_in_the_own_network_works_once_a_person_allowed_it() {
    run(async || {
        let place = Place::with(External::default()).await;
        let server = Server::start_at(LAN, &[tool("add")]).await;
        let source = place.add_as_author(&server.wish("nas")).await.expect("it waits");
        let refused = external_sources::discover(&place.app, &author(), source.id).await;
        assert!(refused.is_err());
        assert_eq!((place.status(source.id).await, server.connections()), (Status::Pending, 0));

        let shown = external_sources::host_of(&place.app, &source).expect("a host");
        assert_eq!(shown.as_deref(), Some(LAN));
        let allowed =
            external_sources::grant(&place.app, &place.admin, source.id, shown.as_deref()).await;
        allowed.expect("a person allows it");
        let name = place.import_and_approve(source.id, "add").await;
        let report = place.call(&name, json!({})).await.expect("logged");
        assert_eq!(report.passed.expect("as it came")["content"][0]["text"], "add");
        let health = external_sources::health(&place.app, source.id).await.expect("read");
        assert_eq!(health.error, None);

        // What was allowed is that one machine.
        let other = Server::start_at(OTHER, &[tool("add")]).await;
        let source = place.add_as_author(&other.wish("other")).await.expect("it waits");
        let refused = external_sources::discover(&place.app, &author(), source.id).await;
        assert!(refused.is_err());
        assert_eq!(other.connections(), 0);
    });
}
