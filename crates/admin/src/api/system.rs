//! What anybody may know: whether the program is well and what it is.

use std::sync::Arc;

use app::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::one;
use crate::Door;

/// GET /health; 503 while a part that calls need is missing.
pub(crate) async fn health(State(app): State<App>) -> Response {
    let health = app.health().await;
    let well = health.status == "healthy";
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health)).into_response()
}

/// GET /api/config
pub(crate) async fn config(State(door): State<Arc<Door>>) -> Response {
    one(json!({
        "app_name": "mcpbox",
        "app_version": env!("CARGO_PKG_VERSION"),
        "auth_required": true,
        "mcp_address": door.mcp_address,
    }))
}
