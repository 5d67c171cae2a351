//! External sources in the API: adding, deciding about, asking and importing from them.

mod body;
mod login;
mod shown;

use app::App;
use app::external_sources::oauth;
use app::external_sources::{self as sources, Choice, Status};
use app::identity::Who;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use self::login::{disconnect, exchange, start};
use super::{listed, one};
use crate::errors::{Answer, Problem};
use crate::extract::{Body, Id, Paging, Search};
use crate::session::SignedIn;

#[derive(Deserialize)]
pub(crate) struct Standing {
    status: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Chosen {
    #[serde(default)]
    tool_names: Vec<String>,
    /// Whether all that can be are imported.
    #[serde(default)]
    all: bool,
}

/// What a person was shown, to be refused where it is something else by now.
#[derive(Deserialize)]
pub(crate) struct Seen {
    /// As `host:port`.
    host: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Refusal {
    reason: String,
}

/// GET /api/external-sources
pub(crate) async fn all(
    State(app): State<App>,
    Search(paging): Search<Paging>,
    Search(standing): Search<Standing>,
) -> Answer {
    let page = paging.page()?;
    let found = match standing.status.as_deref() {
        None | Some("all") => sources::list(&app, None, page).await?,
        Some(name) => sources::of_status(&app, status(name)?, page).await?,
    };
    Ok(listed(found, page, |detail| shown::source(&detail)))
}

/// A state by its name.
pub(crate) fn status(name: &str) -> Result<Status, Problem> {
    let all = [
        Status::Pending,
        Status::Rejected,
        Status::Disabled,
        Status::NeedsLogin,
        Status::Error,
        Status::Active,
    ];
    let found = all.into_iter().find(|status| status.as_str() == name);
    found.ok_or_else(|| {
        let names = all.map(Status::as_str).join(", ");
        Problem::invalid("status", &format!("expected one of {names} or all"))
    })
}

/// GET /api/external-sources/servers/{id}/sources
pub(crate) async fn of_server(
    State(app): State<App>,
    Id(server_id): Id,
    Search(paging): Search<Paging>,
) -> Answer {
    let page = paging.page()?;
    let found = sources::list(&app, Some(server_id), page).await?;
    Ok(listed(found, page, |detail| shown::source(&detail)))
}

/// POST /api/external-sources/servers/{id}/sources
pub(crate) async fn create(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(server_id): Id,
    Body(body): Body<Value>,
) -> Answer {
    let (given, credentials) = body::read(body)?;
    let enabled = given.enabled;
    let wish = given.wish(None)?;
    let source = sources::add(&app, &Who::from(admin.clone()), server_id, &wish).await?;
    credentials.keep(&app, &admin, source.id).await?;
    if enabled == Some(false) {
        sources::set_enabled(&app, &admin, source.id, false).await?;
    }
    let place = [(LOCATION, format!("/api/external-sources/sources/{}", source.id))];
    Ok((StatusCode::CREATED, place, told(&app, source.id).await?).into_response())
}

/// GET /api/external-sources/sources/{id}
pub(crate) async fn show(State(app): State<App>, Id(id): Id) -> Answer {
    told(&app, id).await
}

/// PUT /api/external-sources/sources/{id}: what is left out stays as it is.
pub(crate) async fn update(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Body(body): Body<Value>,
) -> Answer {
    let (given, credentials) = body::read(body)?;
    let enabled = given.enabled;
    let before = sources::get(&app, id).await?.source;
    let wish = given.wish(Some(&before))?;
    sources::update(&app, &admin, id, &wish).await?;
    credentials.keep(&app, &admin, id).await?;
    if let Some(enabled) = enabled {
        sources::set_enabled(&app, &admin, id, enabled).await?;
    }
    told(&app, id).await
}

/// DELETE /api/external-sources/sources/{id}
pub(crate) async fn delete(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    sources::delete(&app, &admin, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// POST /api/external-sources/sources/{id}/grant
pub(crate) async fn grant(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Search(seen): Search<Seen>,
) -> Answer {
    sources::grant(&app, &admin, id, seen.host.as_deref()).await?;
    told(&app, id).await
}

/// POST /api/external-sources/sources/{id}/reject
pub(crate) async fn reject(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Body(refusal): Body<Refusal>,
) -> Answer {
    sources::reject(&app, &admin, id, &refusal.reason).await?;
    told(&app, id).await
}

/// POST /api/external-sources/sources/{id}/enable
pub(crate) async fn enable(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    sources::set_enabled(&app, &admin, id, true).await?;
    told(&app, id).await
}

/// POST /api/external-sources/sources/{id}/disable
pub(crate) async fn disable(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    sources::set_enabled(&app, &admin, id, false).await?;
    told(&app, id).await
}

/// POST /api/external-sources/sources/{id}/discover
pub(crate) async fn discover(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    let found = sources::discover(&app, &Who::from(admin), id).await?;
    Ok(one(shown::discovered(&found)))
}

/// GET /api/external-sources/sources/{id}/cached-tools
pub(crate) async fn cached_tools(State(app): State<App>, Id(id): Id) -> Answer {
    Ok(one(shown::discovered(&sources::discovered(&app, id).await?)))
}

/// POST /api/external-sources/sources/{id}/import
pub(crate) async fn import(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Body(chosen): Body<Chosen>,
) -> Answer {
    let choice = match (chosen.all, chosen.tool_names.is_empty()) {
        (true, true) => Choice::All,
        (true, false) => {
            return Err(Problem::invalid("all", "name the tools, or say `all`, not both"));
        }
        (false, _) => Choice::Named(chosen.tool_names),
    };
    let imports = sources::import(&app, &Who::from(admin), id, choice, true).await?;
    Ok(one(shown::imports(&imports)))
}

/// POST /api/external-sources/sources/{id}/health
pub(crate) async fn health(State(app): State<App>, Id(id): Id) -> Answer {
    let health = sources::health(&app, id).await?;
    Ok(one(json!({
        "source_id": health.source_id,
        "source_name": health.source_name,
        "healthy": health.error.is_none(),
        "latency_ms": health.latency.map(|took| took.as_secs_f64() * 1000.0),
        "error": health.error,
    })))
}

/// A source as it is now.
async fn told(app: &App, id: Uuid) -> Answer {
    let mut body = shown::source(&sources::get(app, id).await?);
    let (has_secret, has_key) = oauth::has_credentials(app, id).await?;
    if let Value::Object(body) = &mut body {
        body.insert("has_oauth_client_secret".to_owned(), json!(has_secret));
        body.insert("has_oauth_private_key".to_owned(), json!(has_key));
    }
    Ok(one(body))
}
