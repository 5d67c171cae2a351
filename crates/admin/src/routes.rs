//! The one table of routes: it builds the router and says what the MCP door must not answer.

use axum::routing::on;

use crate::api::external_sources;
use crate::route::Access::{Api, Callback, Gateways, Open, Page, Scrape};
use crate::route::Method::{Delete, Get, Patch, Post, Put};
use crate::route::Route;
use crate::{
    account, api, approvals, artifacts, assets, audit, bulk, entry, gateways, home, logs, metrics,
    packages, requests, secrets, servers, settings, sources, tools,
};

/// Every method and path of the door, for instance `("GET", "/servers/{id}")`.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().map(|route| (route.method.name(), route.path))
}

/// The table.
pub(crate) static ROUTES: &[Route] = &[
    Route::new(Get, "/health", Open, |method| on(method, api::system::health)),
    Route::new(Get, "/assets/{hash}/{file}", Open, |method| on(method, assets::serve)),
    Route::new(Get, "/metrics", Scrape, |method| on(method, metrics::show)),
    // Pages.
    Route::new(Get, "/setup", Open, |method| on(method, entry::setup_form)),
    Route::new(Post, "/setup", Open, |method| on(method, entry::setup)),
    Route::new(Get, "/login", Open, |method| on(method, entry::login_form)),
    Route::new(Post, "/login", Open, |method| on(method, entry::login)),
    Route::new(Post, "/logout", Page, |method| on(method, entry::logout)),
    Route::new(Get, "/", Page, |method| on(method, home::show)),
    Route::new(Get, "/servers", Page, |method| on(method, servers::list)),
    Route::new(Get, "/servers/{id}", Page, |method| on(method, servers::show)),
    Route::new(Post, "/servers/{id}", Page, |method| on(method, servers::update)),
    Route::new(Post, "/servers/{id}/restart", Page, |method| on(method, servers::restart)),
    Route::new(Post, "/servers/{id}/delete", Page, |method| on(method, servers::delete)),
    Route::new(Post, "/servers/{id}/start", Page, |method| on(method, servers::start)),
    Route::new(Post, "/servers/{id}/stop", Page, |method| on(method, servers::stop)),
    Route::new(Post, "/servers/{id}/allowed-hosts", Page, |method| on(method, servers::allow_host)),
    Route::new(Post, "/servers/{id}/allowed-hosts/remove", Page, |method| {
        on(method, servers::remove_host)
    }),
    Route::new(Get, "/servers/{id}/packages/plan", Page, |method| on(method, packages::plan)),
    Route::new(Get, "/servers/{id}/packages/state", Page, |method| on(method, packages::state)),
    Route::new(Post, "/servers/{id}/packages", Page, |method| on(method, packages::add)),
    Route::new(Post, "/servers/{id}/packages/remove", Page, |method| on(method, packages::remove)),
    Route::new(Post, "/servers/{id}/secrets", Page, |method| on(method, secrets::create)),
    Route::new(Post, "/servers/{id}/secrets/{key}/value", Page, |method| on(method, secrets::set)),
    Route::new(Post, "/servers/{id}/secrets/{key}/clear", Page, |method| {
        on(method, secrets::clear)
    }),
    Route::new(Post, "/servers/{id}/secrets/{key}/delete", Page, |method| {
        on(method, secrets::delete)
    }),
    Route::new(Get, "/sources", Page, |method| on(method, sources::list)),
    Route::new(Get, "/servers/{id}/sources/add", Page, |method| on(method, sources::add_form)),
    Route::new(Post, "/servers/{id}/sources/add", Page, |method| on(method, sources::add)),
    Route::new(Get, "/sources/{id}", Page, |method| on(method, sources::show)),
    Route::new(Get, "/sources/{id}/edit", Page, |method| on(method, sources::edit_form)),
    Route::new(Post, "/sources/{id}/edit", Page, |method| on(method, sources::edit)),
    Route::new(Post, "/sources/{id}/grant", Page, |method| on(method, sources::grant)),
    Route::new(Post, "/sources/{id}/reject", Page, |method| on(method, sources::reject)),
    Route::new(Post, "/sources/{id}/enabled", Page, |method| on(method, sources::set_enabled)),
    Route::new(Post, "/sources/{id}/discover", Page, |method| on(method, sources::discover)),
    Route::new(Post, "/sources/{id}/import", Page, |method| on(method, sources::import)),
    Route::new(Post, "/sources/{id}/health", Page, |method| on(method, sources::check_health)),
    Route::new(Post, "/sources/{id}/delete", Page, |method| on(method, sources::delete)),
    Route::new(Post, "/sources/{id}/oauth/connect", Page, |method| {
        on(method, sources::login::connect)
    }),
    Route::new(Post, "/sources/{id}/oauth/disconnect", Page, |method| {
        on(method, sources::login::disconnect)
    }),
    Route::new(Post, "/sources/{id}/oauth/credentials", Page, |method| {
        on(method, sources::login::set_credentials)
    }),
    Route::new(Get, "/oauth/callback", Callback, |method| on(method, sources::login::callback)),
    Route::new(Get, "/callback", Callback, |method| on(method, sources::login::callback)),
    Route::new(Get, "/tools/{id}", Page, |method| on(method, tools::show)),
    Route::new(Post, "/tools/{id}/enabled", Page, |method| on(method, tools::set_enabled)),
    Route::new(Get, "/tools/{id}/edit", Page, |method| on(method, tools::edit_form)),
    Route::new(Post, "/tools/{id}/edit", Page, |method| on(method, tools::edit)),
    Route::new(Get, "/tools/{id}/test", Page, |method| on(method, tools::test_form)),
    Route::new(Post, "/tools/{id}/test", Page, |method| on(method, tools::test)),
    Route::new(Post, "/tools/{id}/rollback", Page, |method| on(method, tools::rollback)),
    Route::new(Post, "/tools/{id}/revoke", Page, |method| on(method, tools::revoke)),
    Route::new(Post, "/tools/{id}/delete", Page, |method| on(method, tools::delete)),
    Route::new(Get, "/approvals", Page, |method| on(method, approvals::list)),
    Route::new(Get, "/approvals/count", Page, |method| on(method, approvals::count)),
    Route::new(Post, "/approvals/bulk", Page, |method| on(method, bulk::decide)),
    Route::new(Post, "/approvals/{id}", Page, |method| on(method, approvals::decide)),
    Route::new(Get, "/approvals/requests", Page, |method| on(method, requests::list)),
    Route::new(Get, "/approvals/history", Page, |method| on(method, requests::history)),
    Route::new(Post, "/approvals/modules/{id}", Page, |method| on(method, requests::decide_module)),
    Route::new(Post, "/approvals/network/{id}", Page, |method| {
        on(method, requests::decide_network)
    }),
    Route::new(Get, "/approvals/packages/{id}", Page, |method| on(method, packages::review)),
    Route::new(Post, "/approvals/packages/{id}", Page, |method| on(method, packages::decide)),
    Route::new(Post, "/approvals/allowed-modules/remove", Page, |method| {
        on(method, requests::remove_module)
    }),
    Route::new(Post, "/approvals/allowed-modules/add", Page, |method| {
        on(method, requests::add_module)
    }),
    Route::new(Post, "/approvals/allowed-modules/reset", Page, |method| {
        on(method, requests::reset_modules)
    }),
    Route::new(Get, "/logs", Page, |method| on(method, logs::list)),
    Route::new(Get, "/logs/{id}", Page, |method| on(method, logs::show)),
    Route::new(Get, "/settings", Page, |method| on(method, settings::show)),
    Route::new(Post, "/settings", Page, |method| on(method, settings::change)),
    Route::new(Post, "/settings/profile", Page, |method| on(method, settings::apply_profile)),
    Route::new(Get, "/audit", Page, |method| on(method, audit::list)),
    Route::new(Get, "/artifacts/{id}", Page, |method| on(method, artifacts::of_page)),
    Route::new(Get, "/account", Page, |method| on(method, account::show)),
    Route::new(Post, "/account/password", Page, |method| on(method, account::change_password)),
    Route::new(Post, "/account/tokens", Page, |method| on(method, account::create_token)),
    Route::new(Post, "/account/tokens/{id}/revoke", Page, |method| {
        on(method, account::revoke_token)
    }),
    // The JSON API.
    Route::new(Get, "/auth/status", Open, |method| on(method, api::auth::status)),
    Route::new(Post, "/auth/setup", Open, |method| on(method, api::auth::setup)),
    Route::new(Post, "/auth/login", Open, |method| on(method, api::auth::login)),
    Route::new(Post, "/auth/refresh", Open, |method| on(method, api::auth::refresh)),
    Route::new(Post, "/auth/logout", Api, |method| on(method, api::auth::logout)),
    Route::new(Post, "/auth/change-password", Api, |method| on(method, api::auth::change_password)),
    Route::new(Get, "/auth/me", Api, |method| on(method, api::auth::me)),
    Route::new(Get, "/api/config", Open, |method| on(method, api::system::config)),
    Route::new(Get, "/api/servers", Api, |method| on(method, api::servers::list)),
    Route::new(Post, "/api/servers", Api, |method| on(method, api::servers::create)),
    Route::new(Get, "/api/servers/{id}", Api, |method| on(method, api::servers::show)),
    Route::new(Patch, "/api/servers/{id}", Api, |method| on(method, api::servers::update)),
    Route::new(Delete, "/api/servers/{id}", Api, |method| on(method, api::servers::delete)),
    Route::new(Post, "/api/sandbox/servers/{id}/start", Api, |method| {
        on(method, api::servers::start)
    }),
    Route::new(Post, "/api/sandbox/servers/{id}/stop", Api, |method| {
        on(method, api::servers::stop)
    }),
    Route::new(Post, "/api/sandbox/servers/{id}/restart", Api, |method| {
        on(method, api::servers::restart)
    }),
    Route::new(Get, "/api/sandbox/servers/{id}/status", Api, |method| {
        on(method, api::servers::status_of)
    }),
    Route::new(Get, "/api/servers/{id}/tools", Api, |method| on(method, api::tools::list)),
    Route::new(Post, "/api/servers/{id}/tools", Api, |method| on(method, api::tools::create)),
    Route::new(Get, "/api/tools/{id}", Api, |method| on(method, api::tools::show)),
    Route::new(Patch, "/api/tools/{id}", Api, |method| on(method, api::tools::update)),
    Route::new(Delete, "/api/tools/{id}", Api, |method| on(method, api::tools::delete)),
    Route::new(Get, "/api/tools/{id}/versions", Api, |method| on(method, api::tools::versions)),
    Route::new(Get, "/api/tools/{id}/versions/compare", Api, |method| {
        on(method, api::versions::compare)
    }),
    Route::new(Get, "/api/tools/{id}/versions/{name}", Api, |method| {
        on(method, api::versions::show)
    }),
    Route::new(Post, "/api/tools/{id}/versions/{name}/rollback", Api, |method| {
        on(method, api::versions::rollback)
    }),
    Route::new(Get, "/api/tools/{id}/logs", Api, |method| on(method, api::logs::of_tool)),
    Route::new(Post, "/api/tools/validate-code", Api, |method| on(method, api::tools::validate)),
    Route::new(Post, "/api/tools/test-code", Api, |method| on(method, api::tools::test)),
    Route::new(Get, "/api/approvals/stats", Api, |method| on(method, api::bulk::stats)),
    Route::new(Get, "/api/approvals/server/{id}/modules", Api, |method| {
        on(method, api::requests::modules_of_server)
    }),
    Route::new(Get, "/api/approvals/server/{id}/network", Api, |method| {
        on(method, api::requests::network_of_server)
    }),
    Route::new(Post, "/api/approvals/tools/bulk-action", Api, |method| {
        on(method, api::bulk::tools)
    }),
    Route::new(Post, "/api/approvals/modules/bulk-action", Api, |method| {
        on(method, api::bulk::modules)
    }),
    Route::new(Post, "/api/approvals/network/bulk-action", Api, |method| {
        on(method, api::bulk::network)
    }),
    Route::new(Post, "/api/approvals/packages/bulk-action", Api, |method| {
        on(method, api::bulk::packages)
    }),
    Route::new(Post, "/api/approvals/modules/{id}/revoke", Api, |method| {
        on(method, api::requests::revoke_module)
    }),
    Route::new(Post, "/api/approvals/network/{id}/revoke", Api, |method| {
        on(method, api::requests::revoke_network)
    }),
    Route::new(Delete, "/api/approvals/modules/{id}", Api, |method| {
        on(method, api::requests::delete_module)
    }),
    Route::new(Delete, "/api/approvals/network/{id}", Api, |method| {
        on(method, api::requests::delete_network)
    }),
    Route::new(Delete, "/api/approvals/packages/{id}", Api, |method| {
        on(method, api::packages::forget)
    }),
    Route::new(Get, "/api/approvals/tools", Api, |method| on(method, api::approvals::queue)),
    Route::new(Post, "/api/approvals/tools/{id}/action", Api, |method| {
        on(method, api::approvals::act)
    }),
    Route::new(Post, "/api/approvals/tools/{id}/revoke", Api, |method| {
        on(method, api::versions::revoke)
    }),
    Route::new(Get, "/api/approvals/modules", Api, |method| on(method, api::requests::modules)),
    Route::new(Post, "/api/approvals/modules/{id}/action", Api, |method| {
        on(method, api::requests::decide_module)
    }),
    Route::new(Get, "/api/approvals/network", Api, |method| on(method, api::requests::network)),
    Route::new(Post, "/api/approvals/network/{id}/action", Api, |method| {
        on(method, api::requests::decide_network)
    }),
    Route::new(Get, "/api/approvals/packages", Api, |method| on(method, api::packages::list)),
    Route::new(Get, "/api/approvals/packages/{id}", Api, |method| on(method, api::packages::show)),
    Route::new(Post, "/api/approvals/packages/{id}/action", Api, |method| {
        on(method, api::packages::decide)
    }),
    Route::new(Get, "/api/servers/{id}/packages", Api, |method| {
        on(method, api::packages::of_server)
    }),
    Route::new(Post, "/api/servers/{id}/packages", Api, |method| on(method, api::packages::add)),
    Route::new(Delete, "/api/servers/{id}/packages/{package}", Api, |method| {
        on(method, api::packages::remove)
    }),
    Route::new(Get, "/api/settings", Api, |method| on(method, api::settings::list)),
    Route::new(Get, "/api/settings/security-policy", Api, |method| {
        on(method, api::settings::policy)
    }),
    Route::new(Patch, "/api/settings/security-policy", Api, |method| {
        on(method, api::settings::change)
    }),
    Route::new(Patch, "/api/settings/security-profile", Api, |method| {
        on(method, api::settings::apply_profile)
    }),
    Route::new(Post, "/api/settings/onboarding-complete", Api, |method| {
        on(method, api::settings::complete_onboarding)
    }),
    Route::new(Get, "/api/audit", Api, |method| on(method, api::audit::list)),
    Route::new(Get, "/api/servers/{id}/secrets", Api, |method| on(method, api::secrets::list)),
    Route::new(Post, "/api/servers/{id}/secrets", Api, |method| on(method, api::secrets::create)),
    Route::new(Put, "/api/servers/{id}/secrets/{key}", Api, |method| on(method, api::secrets::set)),
    Route::new(Delete, "/api/servers/{id}/secrets/{key}", Api, |method| {
        on(method, api::secrets::delete)
    }),
    Route::new(Post, "/api/servers/{id}/secrets/{key}/clear", Api, |method| {
        on(method, api::secrets::clear)
    }),
    Route::new(Get, "/api/settings/modules", Api, |method| {
        on(method, api::requests::allowed_modules)
    }),
    Route::new(Patch, "/api/settings/modules", Api, |method| {
        on(method, api::requests::change_modules)
    }),
    Route::new(Post, "/api/servers/{id}/allowed-hosts", Api, |method| {
        on(method, api::requests::allow_host)
    }),
    Route::new(Delete, "/api/servers/{id}/allowed-hosts", Api, |method| {
        on(method, api::requests::remove_named_host)
    }),
    Route::new(Delete, "/api/servers/{id}/allowed-hosts/{host}", Api, |method| {
        on(method, api::requests::remove_host)
    }),
    Route::new(Get, "/api/external-sources", Api, |method| on(method, external_sources::all)),
    Route::new(Get, "/api/external-sources/servers/{id}/sources", Api, |method| {
        on(method, external_sources::of_server)
    }),
    Route::new(Post, "/api/external-sources/servers/{id}/sources", Api, |method| {
        on(method, external_sources::create)
    }),
    Route::new(Get, "/api/external-sources/sources/{id}", Api, |method| {
        on(method, external_sources::show)
    }),
    Route::new(Put, "/api/external-sources/sources/{id}", Api, |method| {
        on(method, external_sources::update)
    }),
    Route::new(Delete, "/api/external-sources/sources/{id}", Api, |method| {
        on(method, external_sources::delete)
    }),
    Route::new(Get, "/api/external-sources/sources/{id}/cached-tools", Api, |method| {
        on(method, external_sources::cached_tools)
    }),
    Route::new(Post, "/api/external-sources/sources/{id}/grant", Api, |method| {
        on(method, external_sources::grant)
    }),
    Route::new(Post, "/api/external-sources/sources/{id}/reject", Api, |method| {
        on(method, external_sources::reject)
    }),
    Route::new(Post, "/api/external-sources/sources/{id}/enable", Api, |method| {
        on(method, external_sources::enable)
    }),
    Route::new(Post, "/api/external-sources/sources/{id}/disable", Api, |method| {
        on(method, external_sources::disable)
    }),
    Route::new(Post, "/api/external-sources/sources/{id}/discover", Api, |method| {
        on(method, external_sources::discover)
    }),
    Route::new(Post, "/api/external-sources/sources/{id}/import", Api, |method| {
        on(method, external_sources::import)
    }),
    Route::new(Post, "/api/external-sources/sources/{id}/health", Api, |method| {
        on(method, external_sources::health)
    }),
    Route::new(Post, "/api/external-sources/sources/{id}/oauth/start", Api, |method| {
        on(method, external_sources::start)
    }),
    Route::new(Post, "/api/external-sources/sources/{id}/oauth/disconnect", Api, |method| {
        on(method, external_sources::disconnect)
    }),
    Route::new(Post, "/api/external-sources/oauth/exchange", Api, |method| {
        on(method, external_sources::exchange)
    }),
    Route::new(Get, "/api/execution-logs", Api, |method| on(method, api::logs::list)),
    Route::new(Get, "/api/logs/{id}", Api, |method| on(method, api::logs::show)),
    Route::new(Get, "/api/artifacts/{id}", Api, |method| on(method, artifacts::of_api)),
    Route::new(Get, "/api/tokens", Api, |method| on(method, api::tokens::list)),
    Route::new(Post, "/api/tokens", Api, |method| on(method, api::tokens::create)),
    Route::new(Delete, "/api/tokens/{id}", Api, |method| on(method, api::tokens::revoke)),
    // As MCP gateways have them.
    Route::new(Get, "/gateways", Gateways, |method| on(method, gateways::list)),
    Route::new(Post, "/gateways", Gateways, |method| on(method, gateways::register)),
    Route::new(Get, "/gateways/", Gateways, |method| on(method, gateways::list)),
    Route::new(Post, "/gateways/", Gateways, |method| on(method, gateways::register)),
    Route::new(Get, "/gateways/{id}", Gateways, |method| on(method, gateways::show)),
    Route::new(Put, "/gateways/{id}", Gateways, |method| on(method, gateways::change)),
    Route::new(Patch, "/gateways/{id}", Gateways, |method| on(method, gateways::change)),
    Route::new(Delete, "/gateways/{id}", Gateways, |method| on(method, gateways::remove)),
    Route::new(Patch, "/gateways/{id}/auth", Gateways, |method| on(method, gateways::renew)),
    Route::new(Post, "/gateways/{id}/auth", Gateways, |method| on(method, gateways::renew)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ways_in_are_open() {
        let open: Vec<_> =
            ROUTES.iter().filter(|route| route.access == Open).map(|route| route.path).collect();
        let expected = [
            "/health",
            "/assets/{hash}/{file}",
            "/setup",
            "/setup",
            "/login",
            "/login",
            "/auth/status",
            "/auth/setup",
            "/auth/login",
            "/auth/refresh",
            "/api/config",
        ];
        assert_eq!(open, expected);
    }

    #[test]
    fn the_api_asks_for_tokens_and_pages_for_sessions() {
        for route in ROUTES.iter().filter(|route| route.access != Open) {
            assert_eq!(route.access == Api, route.is_api(), "{}", route.path);
            let is_gateways = route.path.starts_with("/gateways");
            assert_eq!(route.access == Gateways, is_gateways, "{}", route.path);
        }
    }
}
