//! The pages of servers: the list, one server with its tools, starting and stopping it.

mod change;
mod hosts;

use app::external_sources;
use app::grants::{Grant, Refusal};
use app::identity::{Admin, Who};
use app::packages::OfServer;
use app::requests::{Kind, Request};
use app::secrets::Secret;
use app::servers::{Detail, Summary};
use app::tools::{Newest, Tool};
use app::{App, Page, grants, network, packages, requests, secrets, servers, tools};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use uuid::Uuid;

use self::change::Settings;
pub(crate) use self::change::{delete, restart, update};
pub(crate) use self::hosts::{allow_host, remove_host};
use crate::errors::{Answer, Problem};
use crate::extract::{Id, Search};
use crate::packages::views::StateView;
use crate::session::SignedIn;
use crate::sources::rows::Row;
use crate::view::{self, Frame, PageNumber, Pager};

const PAGE_SIZE: u64 = 50;

#[derive(Template)]
#[template(path = "servers/list.html")]
struct ListPage {
    frame: Frame,
    servers: Vec<Summary>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "servers/show.html")]
struct ShowPage {
    frame: Frame,
    server: Detail,
    /// One page of its tools, each with its newest revision.
    tools: Vec<(Tool, Newest)>,
    pager: Pager,
    settings: Settings,
    hosts: Vec<Grant>,
    packages: OfServer,
    /// How far the packages are.
    state: StateView,
    waiting: Vec<Request>,
    refusals: Vec<Refusal>,
    /// What was typed into the form for hosts, and refused.
    host: Typed,
    /// The same of the form for packages.
    package: Typed,
    secrets: Vec<Secret>,
    /// The same of the form for secrets: key and description, never a value.
    secret: Typed,
    sources: Vec<Row>,
}

/// What somebody typed into a form with two fields, and why it cannot be used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed {
    /// The name of a host or of a package.
    pub(crate) name: String,
    /// The port or the version.
    pub(crate) detail: String,
    /// Empty where nothing is wrong.
    pub(crate) problem: String,
}

/// One of the forms on the page of a server.
pub(crate) enum Form {
    Host,
    Package,
    Secret,
}

impl ShowPage {
    /// With that page of its tools.
    async fn load(app: &App, admin: &Admin, id: Uuid, number: u64) -> Result<Self, Problem> {
        let packages = packages::of_server(app, id).await?;
        let server = servers::get(app, id).await?;
        let page = Page { number, size: PAGE_SIZE };
        let tools = tools::list(app, id, page).await?.tools;
        Ok(Self {
            frame: Frame::load(app, admin, "/servers").await?,
            pager: Pager::new(page, tools.total, &format!("/servers/{id}")),
            tools: tools.items,
            settings: Settings::of(&server.server),
            server,
            hosts: grants::hosts(app, id).await?,
            state: StateView { server_id: id, preparation: packages.preparation.clone() },
            packages,
            waiting: requests::waiting_of_server(app, id).await?,
            refusals: grants::refusals(app, id).await?,
            host: Typed::default(),
            package: Typed::default(),
            secrets: all_secrets(app, id).await?,
            secret: Typed::default(),
            sources: all_sources(app, id).await?,
        })
    }

    /// What waits of one kind.
    fn waiting_for(&self, kind: Kind) -> Vec<&Request> {
        self.waiting.iter().filter(|request| request.kind == kind).collect()
    }

    /// Whether the tools can reach by now what they were refused.
    fn is_allowed(&self, refusal: &Refusal) -> bool {
        network::is_allowed(refusal, &self.hosts)
    }
}

async fn all_secrets(app: &App, id: Uuid) -> Result<Vec<Secret>, Problem> {
    let everything = Page { number: 1, size: u64::MAX };
    let (_, listed) = secrets::list(app, id, everything).await?;
    Ok(listed.items)
}

async fn all_sources(app: &App, id: Uuid) -> Result<Vec<Row>, Problem> {
    let everything = Page { number: 1, size: u64::MAX };
    let listed = external_sources::list(app, Some(id), everything).await?;
    Row::load_all(app, listed.items).await
}

/// The page of a server with what was typed into one of its forms, and what is wrong with that; or
/// the problem itself, where it is none of the form.
pub(crate) async fn show_again(
    app: &App,
    admin: &Admin,
    id: Uuid,
    (form, typed): (Form, (String, String)),
    problem: Problem,
) -> Answer {
    if !is_of_form(&problem) {
        return Err(problem);
    }
    let status = problem.status();
    let mut page = ShowPage::load(app, admin, id, 1).await?;
    let typed = Typed { name: typed.0, detail: typed.1, problem: problem.detail().to_owned() };
    match form {
        Form::Host => page.host = typed,
        Form::Package => page.package = typed,
        Form::Secret => page.secret = typed,
    }
    Ok((status, view::page(&page)?).into_response())
}

/// Whether the page is shown again with the problem in it.
fn is_of_form(problem: &Problem) -> bool {
    let of_form =
        [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::CONFLICT, StatusCode::SERVICE_UNAVAILABLE];
    of_form.contains(&problem.status())
}

/// GET /servers
pub(crate) async fn list(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Search(search): Search<PageNumber>,
) -> Answer {
    let page = search.of(PAGE_SIZE);
    let listed = servers::list(&app, page).await?;
    view::page(&ListPage {
        frame: Frame::load(&app, &admin, "/servers").await?,
        servers: listed.items,
        pager: Pager::new(page, listed.total, "/servers"),
    })
}

/// GET /servers/{id}
pub(crate) async fn show(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Search(search): Search<PageNumber>,
) -> Answer {
    let number = search.of(PAGE_SIZE).number;
    view::page(&ShowPage::load(&app, &admin, id, number).await?)
}

/// POST /servers/{id}/start
pub(crate) async fn start(State(app): State<App>, SignedIn(admin): SignedIn, Id(id): Id) -> Answer {
    servers::start(&app, &Who::from(admin), id).await?;
    Ok(Redirect::to(&format!("/servers/{id}")).into_response())
}

/// POST /servers/{id}/stop
pub(crate) async fn stop(State(app): State<App>, SignedIn(admin): SignedIn, Id(id): Id) -> Answer {
    servers::stop(&app, &Who::from(admin), id).await?;
    Ok(Redirect::to(&format!("/servers/{id}")).into_response())
}

#[cfg(test)]
pub(crate) mod tests;
