//! The admin door: pages for people, the JSON API, and the sessions of both.

mod account;
mod api;
mod approvals;
mod artifacts;
mod assets;
mod audit;
mod bulk;
mod capabilities;
mod code;
mod diff;
mod entry;
mod errors;
mod extract;
mod gateways;
mod home;
mod limits;
mod logs;
mod metrics;
mod packages;
mod protection;
mod relay;
mod requests;
mod route;
mod routes;
mod secrets;
mod servers;
mod session;
mod settings;
mod sources;
mod tools;
mod view;
mod written;

use std::sync::Arc;

use app::App;
use app::limits::RateLimit;
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware::{from_fn, from_fn_with_state};
pub use routes::routes;
use tower_http::catch_panic::CatchPanicLayer;

/// The largest body of a request, in bytes: source text at its limit, escaped as JSON, fits.
const BODY_MAX_BYTES: usize = 1_000_000;

/// What the door needs to know about where it stands.
#[derive(Debug, Clone)]
pub struct Door {
    /// Host names, besides loopback, under which people may reach the pages.
    pub allowed_hosts: Vec<String>,
    /// The address of `/mcp` that the pages show to people who connect a client.
    pub mcp_address: String,
    /// Requests a minute that each person may make to the JSON API; 0 for no limit.
    pub rate_limit_rpm: u32,
    /// What Prometheus may read `/metrics` by, beside people who are signed in.
    pub metrics_token: Option<String>,
    /// Whether programs of this machine may use `/gateways` without a token.
    pub gateways_without_token: bool,
    /// Where browsers go on to that come back from a login which nobody began here, such as
    /// `http://localhost:8080/callback`.
    pub login_relay: Option<String>,
}

/// What every handler can take from the router.
#[derive(Clone)]
pub(crate) struct Shared {
    app: App,
    door: Arc<Door>,
    limit: Arc<RateLimit>,
}

impl FromRef<Shared> for App {
    fn from_ref(shared: &Shared) -> Self {
        shared.app.clone()
    }
}

impl FromRef<Shared> for Arc<Door> {
    fn from_ref(shared: &Shared) -> Self {
        Self::clone(&shared.door)
    }
}

/// The whole door. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, so that
/// failed sign-ins are counted per address.
pub fn router(app: App, door: Door) -> Router {
    let shared = Shared { app, door: Arc::new(door), limit: Arc::default() };
    let mut router = Router::new();
    for route in routes::ROUTES {
        router = router.route(route.path, route.guarded(&shared));
    }
    router
        .fallback(errors::unknown_path)
        .method_not_allowed_fallback(errors::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(CatchPanicLayer::custom(errors::panicked))
        .layer(from_fn(protection::same_origin))
        .layer(from_fn_with_state(shared.clone(), protection::known_host))
        .layer(from_fn(errors::present))
        .layer(from_fn(protection::headers))
        .with_state(shared)
}
