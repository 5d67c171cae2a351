//! The MCP door: `/mcp` for clients, `/health`, and who this program is as a client of others; it knows no other route.

mod addresses;
mod answer;
mod catalog;
mod client;
mod content;
mod cors;
mod cursor;
mod events;
mod exchange;
pub mod fuzzing;
mod gate;
mod identity;
mod listing;
mod management;
mod methods;
mod news;
mod post;
mod problem;
mod question;
mod questions;
mod rates;
mod resources;
mod result;
mod resumable;
mod rpc;
mod running;
mod runs;
#[cfg(test)]
mod samples;
mod server;
mod session;
mod sessions;
mod source_states;
mod standalone;
mod standing;
mod streams;
mod suspended;
mod talk;
mod version;

use std::any::Any;
use std::sync::Arc;

use app::App;
use app::external_sources::oauth;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, any, get};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use problem::Problem;
use server::Server;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

pub use addresses::{is_allowed_host, is_allowed_origin};

/// How this door is set up.
#[derive(Debug, Clone)]
pub struct Door {
    /// Whether every caller has to show a bearer token. A token that is shown is always checked.
    pub require_token: bool,
    /// Hosts besides loopback that requests may name: `name`, or `name:port` for one port only.
    pub allowed_hosts: Vec<String>,
    /// Origins besides loopback that browsers may come from, as `https://name` or with a port.
    pub allowed_origins: Vec<String>,
    /// Where people open the pages, `http://127.0.0.1:3000`; models pass it on to their users.
    pub admin_address: String,
    /// Once it is cancelled, new requests are refused and streams of changes end; calls go on, and what
    /// they asked their clients can be answered.
    pub shutdown: CancellationToken,
    /// Once it is cancelled, calls that still run are ended and answered that this process is ending.
    pub giving_up: CancellationToken,
}

/// Where authorization servers of external sources read who this program is.
pub const CLIENT_DOCUMENT: &str = "/oauth/client-metadata.json";

/// One path of this door.
struct Route {
    path: &'static str,
    serve: fn() -> MethodRouter<Arc<Server>>,
}

/// Every path of this door; the router is made of this table and of nothing else.
const ROUTES: &[Route] = &[
    Route { path: "/mcp", serve: || any(gate::serve) },
    Route { path: "/health", serve: || get(health) },
    Route { path: CLIENT_DOCUMENT, serve: || get(client_document) },
];

/// The paths that this door serves; all others answer 404.
pub fn paths() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.path)
}

/// The router of the MCP door. Serve it with `ConnectInfo<SocketAddr>`, so that callers have an
/// address.
///
/// Must be called within a Tokio runtime: a task that ends idle sessions starts here and ends
/// with `door.shutdown`.
pub fn router(app: App, door: Door) -> Router {
    app.tell_pages(&door.admin_address);
    let server = Server::start(app, door);
    ROUTES
        .iter()
        .fold(Router::new(), |router, route| router.route(route.path, (route.serve)()))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(crashed))
        .with_state(server)
}

/// `GET /health`: 200 while database and sandbox answer, else 503; the body says which does not.
async fn health(State(server): State<Arc<Server>>) -> Response {
    let health = server.app.health().await;
    let status = match health.status {
        "healthy" => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, axum::Json(health)).into_response()
}

/// `GET /oauth/client-metadata.json`: this program as an OAuth client, where the operator said under which
/// addresses it is reached.
async fn client_document(State(server): State<Arc<Server>>) -> Result<Response, Problem> {
    let document = oauth::client_document(&server.app).ok_or_else(|| {
        let detail = "there is no such document: start mcpbox with --admin-url and with --mcp-url, an https address of the internet";
        Problem::new(StatusCode::NOT_FOUND, detail)
    })?;
    // Long enough to spare requests, short enough that a new address is known soon.
    Ok(([(CACHE_CONTROL, "max-age=3600")], axum::Json(document)).into_response())
}

async fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "this listener serves /mcp for MCP clients, /health and /oauth/client-metadata.json",
    )
}

async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method")
}

fn crashed(_panic: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, problem::INTERNAL).into_response()
}
