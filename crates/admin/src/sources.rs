//! The pages of external sources: all of them, and one with its grants, its login and its tools.

mod actions;
mod form;
pub(crate) mod given;
pub(crate) mod imported;
pub(crate) mod login;
pub(crate) mod rows;

use app::external_sources::{
    self as sources, Command, Detail, Discovered, OauthGrant, OauthSettings, RefreshOwner, Skipped,
    Status, TokenState, command_of, grants_of, oauth, settings_of,
};
use app::external_sources::{AuthType, Transport};
use app::identity::Admin;
use app::{App, servers};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use uuid::Uuid;

pub(crate) use self::actions::{
    check_health, delete, discover, grant, import, reject, set_enabled,
};
pub(crate) use self::form::{add, add_form, edit, edit_form};
use self::rows::Row;
use crate::errors::{Answer, Problem};
use crate::extract::{Id, Search};
use crate::session::SignedIn;
use crate::view::{self, Frame, Pager};

const PAGE_SIZE: u64 = 50;

#[derive(Template)]
#[template(path = "sources/list.html")]
struct ListPage {
    frame: Frame,
    /// What is looked at, or nothing for all.
    status: Option<Status>,
    sources: Vec<Row>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "sources/show.html")]
struct ShowPage {
    frame: Frame,
    server_name: String,
    detail: Detail,
    /// The host that it needs, or why nobody may allow that.
    host: Result<Option<String>, String>,
    command: Option<Command>,
    login: Option<Login>,
    /// What it offered when it was asked last.
    offered: Option<Discovered>,
    /// What came of what was done last.
    outcome: Outcome,
}

/// What is known of the login of a source.
struct Login {
    settings: OauthSettings,
    has_secret: bool,
    has_key: bool,
}

/// What came of what a person did on the page.
#[derive(Default)]
struct Outcome {
    /// What went wrong.
    problem: String,
    /// What went well.
    success: String,
    /// How many tools were imported, and wait.
    imported: usize,
    skipped: Vec<Skipped>,
}

impl ListPage {
    fn is_tab(&self, status: &str) -> bool {
        self.status.is_some_and(|own| own.as_str() == status)
    }
}

#[derive(Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    page: String,
    #[serde(default)]
    status: String,
}

impl ShowPage {
    async fn load(app: &App, admin: &Admin, id: Uuid) -> Result<Self, Problem> {
        let detail = sources::get(app, id).await?;
        let source = &detail.source;
        let server_name = servers::get(app, source.server_id).await?.server.name;
        let login = if source.auth_type == AuthType::Oauth {
            let (has_secret, has_key) = oauth::has_credentials(app, id).await?;
            Some(Login { settings: settings_of(source), has_secret, has_key })
        } else {
            None
        };
        let offered = match source.discovered {
            Some(_) => Some(sources::discovered(app, id).await?),
            None => None,
        };
        Ok(Self {
            frame: Frame::load(app, admin, "/servers").await?,
            server_name,
            host: sources::host_of(app, source).map_err(|error| error.to_string()),
            command: command_of(source),
            login,
            offered,
            outcome: Outcome::default(),
            detail,
        })
    }

    fn status(&self) -> Status {
        self.detail.status()
    }

    fn is_granted(&self) -> bool {
        self.detail.source.granted_at.is_some()
    }

    /// Whether a file decides about it, so that people do not here.
    fn is_fixed(&self) -> bool {
        self.detail.source.managed_by.is_some()
    }

    fn is_process(&self) -> bool {
        self.detail.source.transport == Transport::Stdio
    }

    /// Whether it can be asked for its tools.
    fn is_usable(&self) -> bool {
        self.is_granted() && self.detail.source.enabled
    }

    fn grants(&self) -> Vec<String> {
        grants_of(&self.detail.source)
    }

    fn transport(&self) -> &'static str {
        rows::transport(self.detail.source.transport)
    }

    fn is_connected(&self) -> bool {
        let tokens = self.detail.tokens.as_ref();
        tokens.is_some_and(|tokens| tokens.state == TokenState::Connected)
    }

    /// How many of the tools that it offers can be imported.
    fn importable(&self) -> usize {
        let tools = self.offered.iter().flat_map(|offered| &offered.tools);
        tools.filter(|tool| tool.imported_as.is_none() && tool.fault.is_none()).count()
    }
}

impl Login {
    fn needs_person(&self) -> bool {
        self.settings.grant == OauthGrant::AuthorizationCode
    }
}

/// GET /sources
pub(crate) async fn list(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Search(look): Search<Look>,
) -> Answer {
    let status = crate::api::external_sources::status(&look.status).ok();
    let page = app::Page { number: view::number(&look.page), size: PAGE_SIZE };
    let listed = match status {
        Some(status) => sources::of_status(&app, status, page).await?,
        None => sources::list(&app, None, page).await?,
    };
    let path = status.map_or_else(
        || "/sources".to_owned(),
        |status| format!("/sources?status={}", status.as_str()),
    );
    view::page(&ListPage {
        frame: Frame::load(&app, &admin, "/servers").await?,
        status,
        sources: Row::load_all(&app, listed.items).await?,
        pager: Pager::new(page, listed.total, &path),
    })
}

/// GET /sources/{id}
pub(crate) async fn show(State(app): State<App>, SignedIn(admin): SignedIn, Id(id): Id) -> Answer {
    view::page(&ShowPage::load(&app, &admin, id).await?)
}

/// The page of a source with what is wrong; or the problem itself, where the page does not help.
async fn show_again(app: &App, admin: &Admin, id: Uuid, problem: Problem) -> Answer {
    let of_page = [
        StatusCode::UNPROCESSABLE_ENTITY,
        StatusCode::CONFLICT,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    if !of_page.contains(&problem.status()) {
        return Err(problem);
    }
    let mut page = ShowPage::load(app, admin, id).await?;
    problem.detail().clone_into(&mut page.outcome.problem);
    Ok((problem.status(), view::page(&page)?).into_response())
}

#[cfg(test)]
pub(crate) mod tests;
