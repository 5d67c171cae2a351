//! The JSON API of the admin door.

pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod bulk;
pub(crate) mod external_sources;
pub(crate) mod logs;
pub(crate) mod packages;
pub(crate) mod requests;
pub(crate) mod secrets;
pub(crate) mod servers;
pub(crate) mod settings;
pub(crate) mod system;
pub(crate) mod tokens;
pub(crate) mod tools;
pub(crate) mod versions;

use app::{Listed, Page};
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::view;

/// A page of a list: `{items, total, page, page_size, pages}`.
fn listed<T>(listed: Listed<T>, page: Page, shown: impl Fn(T) -> Value) -> Response {
    let items: Vec<Value> = listed.items.into_iter().map(shown).collect();
    Json(json!({
        "items": items,
        "total": listed.total,
        "page": page.number,
        "page_size": page.size,
        "pages": view::pages(listed.total, page.size),
    }))
    .into_response()
}

/// One thing.
fn one(value: Value) -> Response {
    Json(value).into_response()
}
