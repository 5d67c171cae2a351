//! What a person does on the page of a source: allow, refuse, switch, ask, import, delete.

use app::App;
use app::external_sources::{self as sources, Choice};
use app::identity::{Admin, Who};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::{ShowPage, show_again};
use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Id};
use crate::session::SignedIn;
use crate::view;

#[derive(Deserialize)]
pub(crate) struct Seen {
    /// The host that the page showed; a process has none.
    host: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
pub(crate) struct Enabled {
    enabled: bool,
}

#[derive(Deserialize)]
pub(crate) struct Deletion {
    #[serde(default)]
    name: String,
}

/// POST /sources/{id}/grant
pub(crate) async fn grant(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(seen): Fields<Seen>,
) -> Answer {
    let done = sources::grant(&app, &admin, id, seen.host.as_deref()).await.map(drop);
    answered(&app, &admin, id, done).await
}

/// POST /sources/{id}/reject
pub(crate) async fn reject(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Refusal>,
) -> Answer {
    let done = sources::reject(&app, &admin, id, &form.reason).await.map(drop);
    answered(&app, &admin, id, done).await
}

/// POST /sources/{id}/enabled
pub(crate) async fn set_enabled(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Enabled>,
) -> Answer {
    let done = sources::set_enabled(&app, &admin, id, form.enabled).await.map(drop);
    answered(&app, &admin, id, done).await
}

/// POST /sources/{id}/discover
pub(crate) async fn discover(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    match sources::discover(&app, &Who::from(admin.clone()), id).await {
        Ok(_) => Ok(Redirect::to(&format!("/sources/{id}#tools")).into_response()),
        Err(error) => show_again(&app, &admin, id, error.into()).await,
    }
}

/// POST /sources/{id}/health
pub(crate) async fn check_health(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    let health = sources::health(&app, id).await?;
    let mut page = ShowPage::load(&app, &admin, id).await?;
    match (health.error, health.latency) {
        (Some(error), _) => page.outcome.problem = format!("It does not answer: {error}"),
        (None, took) => {
            let took = took.unwrap_or_default().as_micros();
            let took = view::duration(i64::try_from(took).unwrap_or(i64::MAX));
            page.outcome.success = format!("It answers, within {took}.");
        }
    }
    view::page(&page)
}

/// POST /sources/{id}/import
pub(crate) async fn import(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Vec<(String, String)>>,
) -> Answer {
    let all = form.iter().any(|(key, _)| key == "all");
    let named = form.into_iter().filter(|(key, _)| key == "tool").map(|(_, name)| name);
    let choice = if all { Choice::All } else { Choice::Named(named.collect()) };
    let who = Who::from(admin.clone());
    let imports = match sources::import(&app, &who, id, choice, true).await {
        Ok(imports) => imports,
        Err(error) => return show_again(&app, &admin, id, error.into()).await,
    };
    let mut page = ShowPage::load(&app, &admin, id).await?;
    page.outcome.imported = imports.created.len();
    page.outcome.skipped = imports.skipped;
    view::page(&page)
}

/// POST /sources/{id}/delete
pub(crate) async fn delete(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Deletion>,
) -> Answer {
    let source = sources::get(&app, id).await?.source;
    if form.name.trim() != source.name {
        let problem = Problem::invalid("name", "type the source's name to delete it");
        return show_again(&app, &admin, id, problem).await;
    }
    match sources::delete(&app, &admin, id).await {
        Ok(source) => {
            let place = format!("/servers/{}#sources", source.server_id);
            Ok(Redirect::to(&place).into_response())
        }
        Err(error) => show_again(&app, &admin, id, error.into()).await,
    }
}

pub(super) async fn answered(app: &App, admin: &Admin, id: Uuid, done: app::Result<()>) -> Answer {
    match done {
        Ok(()) => Ok(back(id)),
        Err(error) => show_again(app, admin, id, error.into()).await,
    }
}

pub(super) fn back(id: Uuid) -> Response {
    Redirect::to(&format!("/sources/{id}")).into_response()
}
