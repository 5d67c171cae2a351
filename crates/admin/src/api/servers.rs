//! Servers in the API.

use app::identity::Who;
use app::servers::{Changes, Server, Status, Summary};
use app::{App, grants, requests, servers};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{listed, one, tools};
use crate::errors::Answer;
use crate::extract::{Body, Id, Paging, Search};
use crate::session::SignedIn;

#[derive(Deserialize)]
pub(crate) struct Update {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    /// Null for the server's name.
    #[serde(default, deserialize_with = "given")]
    #[expect(clippy::option_option, reason = "absent, null and a text are three things here")]
    tool_prefix: Option<Option<String>>,
    #[serde(default)]
    default_timeout_ms: Option<i32>,
    /// The server is not changed if it was since.
    #[serde(default)]
    expected_updated_at: Option<DateTime<Utc>>,
}

/// A field that is there, null or not.
#[expect(clippy::option_option, reason = "absent, null and a text are three things here")]
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

#[derive(Deserialize)]
pub(crate) struct New {
    name: String,
    #[serde(default)]
    description: Option<String>,
}

/// GET /api/servers
pub(crate) async fn list(State(app): State<App>, Search(paging): Search<Paging>) -> Answer {
    let page = paging.page()?;
    let found = servers::list(&app, page).await?;
    Ok(listed(found, page, |Summary { server, tool_count }| shown(&server, tool_count)))
}

/// POST /api/servers
pub(crate) async fn create(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Body(new): Body<New>,
) -> Answer {
    let description = new.description.unwrap_or_default();
    let server = servers::create(&app, &Who::from(admin), &new.name, &description).await?;
    let place = [(LOCATION, format!("/api/servers/{}", server.id))];
    Ok((StatusCode::CREATED, place, one(shown(&server, 0))).into_response())
}

/// GET /api/servers/{id}
pub(crate) async fn show(State(app): State<App>, Id(id): Id) -> Answer {
    let servers::Detail { server, tool_count, .. } = servers::get(&app, id).await?;
    let mut body = shown(&server, tool_count);
    let tools = app::tools::all_of(&app, id).await?;
    let tools = tools.iter().map(|(tool, newest)| tools::summary(tool, newest)).collect();
    if let Value::Object(body) = &mut body {
        body.insert("tools".to_owned(), Value::Array(tools));
        let allowed = grants::of(&app, id).await?;
        body.insert("allowed_hosts".to_owned(), json!(allowed.hosts));
        body.insert("allowed_packages".to_owned(), json!(allowed.packages));
        body.insert("refused_attempts".to_owned(), json!(grants::refusals(&app, id).await?));
        let waiting = requests::waiting(&app, Some(id)).await?;
        body.insert("pending_requests".to_owned(), json!(waiting));
    }
    Ok(one(body))
}

/// PATCH /api/servers/{id}
pub(crate) async fn update(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Body(update): Body<Update>,
) -> Answer {
    let changes = Changes {
        name: update.name,
        description: update.description,
        tool_prefix: update.tool_prefix,
        default_timeout_ms: update.default_timeout_ms,
        expected_updated_at: update.expected_updated_at,
    };
    let server = servers::update(&app, &admin, id, changes).await?;
    let tool_count = servers::get(&app, id).await?.tool_count;
    Ok(one(shown(&server, tool_count)))
}

/// DELETE /api/servers/{id}
pub(crate) async fn delete(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    servers::delete(&app, &Who::from(admin), id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// POST /api/sandbox/servers/{id}/start
pub(crate) async fn start(State(app): State<App>, SignedIn(admin): SignedIn, Id(id): Id) -> Answer {
    let started = servers::start(&app, &Who::from(admin), id).await?;
    let message = format!("server `{}` runs; clients can call its tools", started.server.name);
    Ok(one(status(&started.server, started.registered_tools, &message)))
}

/// POST /api/sandbox/servers/{id}/stop
pub(crate) async fn stop(State(app): State<App>, SignedIn(admin): SignedIn, Id(id): Id) -> Answer {
    let server = servers::stop(&app, &Who::from(admin), id).await?;
    let message = format!("server `{}` is stopped; clients no longer see its tools", server.name);
    Ok(one(status(&server, 0, &message)))
}

/// POST /api/sandbox/servers/{id}/restart
pub(crate) async fn restart(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    let started = servers::restart(&app, &Who::from(admin), id).await?;
    let message = format!("server `{}` was started anew", started.server.name);
    Ok(one(status(&started.server, started.registered_tools, &message)))
}

/// GET /api/sandbox/servers/{id}/status
pub(crate) async fn status_of(State(app): State<App>, Id(id): Id) -> Answer {
    let servers::Detail { server, tool_count, ready_tools } = servers::get(&app, id).await?;
    let runs = server.status == Status::Running;
    let registered_tools = if runs { ready_tools } else { 0 };
    let message = format!(
        "server `{}` is {}; {ready_tools} of its {tool_count} tools are approved and switched on",
        server.name,
        server.status.as_str()
    );
    Ok(one(status(&server, registered_tools, &message)))
}

fn shown(server: &Server, tool_count: u64) -> Value {
    json!({
        "id": server.id,
        "name": server.name,
        "description": server.description,
        "status": server.status,
        "tool_prefix": server.tool_prefix,
        "default_timeout_ms": server.default_timeout_ms,
        "tool_count": tool_count,
        "created_at": server.created_at,
        "updated_at": server.updated_at,
    })
}

fn status(server: &Server, registered_tools: u64, message: &str) -> Value {
    json!({
        "server_id": server.id,
        "status": server.status,
        "registered_tools": registered_tools,
        "message": message,
    })
}
