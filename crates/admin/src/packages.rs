//! The pages of packages: what a request would bring, what a server has, and how far that is.

use app::grants::Grant;
use app::packages::{self, Approval, Change, Plan, Preparation};
use app::requests::{self, Kind, Request, State as RequestState};
use app::{App, servers};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use uuid::Uuid;

use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Id, Search};
use crate::requests::decision;
use crate::session::SignedIn;
use crate::view::{self, Frame};

/// What a person reads when another plan than the one that was seen would be approved.
const DIFFERENT: &str = "Nothing is allowed yet: what would be allowed now differs from what you saw. Look again, then decide.";

/// A plan as HTML.
#[derive(Debug, Clone, Template)]
#[template(path = "packages/plan.html")]
pub(crate) struct PlanView {
    plan: Plan,
}

impl askama::filters::HtmlSafe for PlanView {}

impl PlanView {
    fn vulnerable(&self) -> usize {
        self.plan.advisories().count()
    }
}

/// How far the packages of a server are, as HTML.
#[derive(Debug, Clone, Template)]
#[template(path = "packages/state.html")]
pub(crate) struct StateView {
    pub(crate) server_id: Uuid,
    pub(crate) preparation: Preparation,
}

impl askama::filters::HtmlSafe for StateView {}

#[derive(Template)]
#[template(path = "packages/review.html")]
struct ReviewPage {
    frame: Frame,
    request: Request,
    server_name: String,
    plan: Option<PlanView>,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "packages/add.html")]
struct AddPage {
    frame: Frame,
    server_id: Uuid,
    server_name: String,
    view: PlanView,
    problem: Option<&'static str>,
}

#[derive(Deserialize)]
pub(crate) struct Form {
    action: String,
    #[serde(default)]
    plan: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    package: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    plan: String,
}

/// GET /approvals/packages/{id}
pub(crate) async fn review(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    let request = requests::find(&app, Kind::Package, id).await?;
    let (plan, problem) = match request.state {
        RequestState::Approved => (packages::shown(&request)?, None),
        RequestState::Pending | RequestState::Rejected => {
            match packages::plan_of(&app, &request).await {
                Ok(plan) => (Some(plan), None),
                Err(error @ app::Error::Internal(_)) => return Err(error.into()),
                Err(error) => (None, Some(error.to_string())),
            }
        }
    };
    let frame = Frame::load(&app, &admin, "/approvals").await?;
    review_page(&app, frame, request, (plan, problem)).await
}

/// POST /approvals/packages/{id}
pub(crate) async fn decide(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Form>,
) -> Answer {
    let request = if form.action == "approve" {
        match packages::approve(&app, &admin, id, &form.plan).await? {
            Approval::Given(request) => request,
            Approval::Different(plan) => {
                let request = requests::find(&app, Kind::Package, id).await?;
                let frame = Frame::load(&app, &admin, "/approvals").await?;
                let shown = (Some(*plan), Some(DIFFERENT.to_owned()));
                let page = review_page(&app, frame, request, shown).await?;
                return Ok((StatusCode::CONFLICT, page).into_response());
            }
        }
    } else {
        let decision = decision(&form.action, &form.reason)?;
        requests::decide(&app, &admin, Kind::Package, id, decision).await?
    };
    let path = match request.state {
        RequestState::Approved => format!("/servers/{}#packages", request.server_id),
        state => format!("/approvals/requests?status={state}#request-{id}"),
    };
    Ok(Redirect::to(&path).into_response())
}

/// GET /servers/{id}/packages/plan
pub(crate) async fn plan(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Search(wanted): Search<Wanted>,
) -> Answer {
    let plan = packages::plan(&app, id, &wanted.package, Some(&wanted.version)).await?;
    let frame = Frame::load(&app, &admin, "/servers").await?;
    add_page(&app, frame, id, (plan, None)).await
}

/// POST /servers/{id}/packages
pub(crate) async fn add(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(wanted): Fields<Wanted>,
) -> Answer {
    let Wanted { package, version, plan } = wanted;
    match packages::add(&app, &admin, id, (&package, Some(&version)), &plan).await? {
        Approval::Given(_) => Ok(Redirect::to(&format!("/servers/{id}#packages")).into_response()),
        Approval::Different(plan) => {
            let frame = Frame::load(&app, &admin, "/servers").await?;
            let page = add_page(&app, frame, id, (*plan, Some(DIFFERENT))).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
    }
}

/// POST /servers/{id}/packages/remove
pub(crate) async fn remove(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(wanted): Fields<Wanted>,
) -> Answer {
    packages::remove(&app, &admin, id, &wanted.package).await?;
    Ok(Redirect::to(&format!("/servers/{id}#packages")).into_response())
}

/// GET /servers/{id}/packages/state
pub(crate) async fn state(State(app): State<App>, Id(id): Id) -> Answer {
    let preparation = packages::of_server(&app, id).await?.preparation;
    view::page(&StateView { server_id: id, preparation })
}

async fn review_page(
    app: &App,
    frame: Frame,
    request: Request,
    (plan, problem): (Option<Plan>, Option<String>),
) -> Answer {
    let server_name = server_name(app, request.server_id).await?;
    let plan = plan.map(|plan| PlanView { plan });
    view::page(&ReviewPage { frame, request, server_name, plan, problem })
}

async fn add_page(
    app: &App,
    frame: Frame,
    server_id: Uuid,
    (plan, problem): (Plan, Option<&'static str>),
) -> Answer {
    let server_name = server_name(app, server_id).await?;
    view::page(&AddPage { frame, server_id, server_name, view: PlanView { plan }, problem })
}

async fn server_name(app: &App, id: Uuid) -> Result<String, Problem> {
    Ok(servers::get(app, id).await?.server.name)
}

/// The package that a grant names.
pub(crate) fn name(grant: &Grant) -> &str {
    packages::parts(&grant.name).0
}

/// A size as a person writes it.
pub(crate) fn size(bytes: impl std::borrow::Borrow<u64>) -> String {
    match *bytes.borrow() {
        0 => "size unknown".to_owned(),
        bytes @ ..1000 => format!("{bytes} B"),
        bytes @ 1000..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        bytes => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}
