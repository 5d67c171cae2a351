//! The forms that change a server as a whole: its name and prefix, starting it anew, deleting it.

use app::identity::{Admin, Who};
use app::servers::{Changes, Server};
use app::{App, servers};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::{ShowPage, is_of_form};
use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Id};
use crate::session::SignedIn;
use crate::view;

/// What stands in the form for name, description and prefix.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Settings {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: String,
    /// `own` where the prefix is another than the name.
    #[serde(default)]
    pub(super) prefix: String,
    #[serde(default)]
    pub(super) tool_prefix: String,
    /// In milliseconds, as it was typed.
    #[serde(default)]
    pub(super) default_timeout_ms: String,
    /// When the server that was looked at had last changed.
    #[serde(default)]
    pub(super) seen: String,
    #[serde(skip)]
    pub(super) problem: String,
    /// What is wrong with the name that was typed to delete the server.
    #[serde(skip)]
    pub(super) not_deleted: String,
}

#[derive(Deserialize)]
pub(crate) struct Deletion {
    #[serde(default)]
    name: String,
}

impl Settings {
    /// As the server is.
    pub(super) fn of(server: &Server) -> Self {
        Self {
            name: server.name.clone(),
            description: server.description.clone(),
            prefix: if server.tool_prefix.is_some() { "own" } else { "name" }.to_owned(),
            tool_prefix: server.tool_prefix.clone().unwrap_or_default(),
            default_timeout_ms: server.default_timeout_ms.to_string(),
            seen: server.updated_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            ..Self::default()
        }
    }

    pub(super) fn has_own_prefix(&self) -> bool {
        self.prefix == "own"
    }

    fn changes(&self) -> Result<Changes, Problem> {
        let seen: DateTime<Utc> = self.seen.parse().map_err(|_no_time| {
            Problem::invalid("seen", "expected the time that the page was sent with; load it again")
        })?;
        let limit = match self.default_timeout_ms.trim() {
            "" => None,
            typed => Some(typed.parse().map_err(|_no_number| {
                Problem::invalid("default_timeout_ms", "expected a whole number of milliseconds")
            })?),
        };
        let prefix = self.has_own_prefix().then(|| self.tool_prefix.trim().to_owned());
        Ok(Changes {
            name: Some(self.name.trim().to_owned()),
            // A form sends line breaks in another way than a program.
            description: Some(self.description.replace("\r\n", "\n")),
            tool_prefix: Some(prefix),
            default_timeout_ms: limit,
            expected_updated_at: Some(seen),
        })
    }
}

/// POST /servers/{id}
pub(crate) async fn update(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Settings>,
) -> Answer {
    match change(&app, &admin, id, &form).await {
        Ok(_) => Ok(Redirect::to(&format!("/servers/{id}#settings")).into_response()),
        Err(problem) if is_of_form(&problem) => {
            let mut page = ShowPage::load(&app, &admin, id, 1).await?;
            let typed = Settings { seen: page.settings.seen.clone(), ..form };
            page.settings = Settings { problem: problem.detail().to_owned(), ..typed };
            Ok((problem.status(), view::page(&page)?).into_response())
        }
        Err(problem) => Err(problem),
    }
}

async fn change(app: &App, admin: &Admin, id: Uuid, form: &Settings) -> Result<Server, Problem> {
    Ok(servers::update(app, admin, id, form.changes()?).await?)
}

/// POST /servers/{id}/restart
pub(crate) async fn restart(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    servers::restart(&app, &Who::from(admin), id).await?;
    Ok(Redirect::to(&format!("/servers/{id}")).into_response())
}

/// POST /servers/{id}/delete
pub(crate) async fn delete(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Deletion>,
) -> Answer {
    let server = servers::get(&app, id).await?.server;
    if form.name.trim() != server.name {
        let problem = Problem::invalid("name", "type the server's name as it stands above");
        let mut page = ShowPage::load(&app, &admin, id, 1).await?;
        problem.detail().clone_into(&mut page.settings.not_deleted);
        return Ok((problem.status(), view::page(&page)?).into_response());
    }
    servers::delete(&app, &Who::from(admin), id).await?;
    Ok(Redirect::to("/servers").into_response())
}
