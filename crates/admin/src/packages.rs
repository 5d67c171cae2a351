//! The pages of packages: what a request would bring, what a server has, and how far that is.

pub(crate) mod views;

use app::grants::Grant;
use app::packages::{self, Approval, Plan};
use app::requests::{self, Kind, Request, State as RequestState};
use app::{App, tools};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use uuid::Uuid;

use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Id, Search};
use crate::requests::decision;
use crate::servers;
use crate::session::SignedIn;
use crate::view::{self, Frame};
use views::{AddPage, PlanView, ReviewPage, StateView};

/// What a person reads when another plan than the one that was seen would be approved.
const DIFFERENT: &str = "Nothing is allowed yet: what would be allowed now differs from what you saw. Look again, then decide.";

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
    let (plan, problem) = packages::to_decide(&app, &request).await?;
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
    if form.action == "delete" {
        requests::delete(&app, &admin, Kind::Package, id).await?;
        return Ok(Redirect::to("/approvals/requests").into_response());
    }
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
    let Wanted { package, version, .. } = wanted;
    let plan = match packages::plan(&app, id, &package, Some(&version)).await {
        Ok(plan) => plan,
        Err(error) => {
            let typed = (servers::Form::Package, (package, version));
            return servers::show_again(&app, &admin, id, typed, error.into()).await;
        }
    };
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
    let added = packages::add(&app, &admin, id, (&package, Some(&version)), &plan).await;
    let added = match added {
        Ok(added) => added,
        Err(error) => {
            let typed = (servers::Form::Package, (package, version));
            return servers::show_again(&app, &admin, id, typed, error.into()).await;
        }
    };
    match added {
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
    let plan = match plan {
        Some(plan) => Some(PlanView { plan: packages::with_sizes(app, plan).await? }),
        None => None,
    };
    let detail = tools::get(app, request.tool_id).await?;
    let public_name = app::servers::public_name(&detail.server, &detail.newest.name);
    view::page(&ReviewPage { frame, request, public_name, server_name, plan, problem })
}

async fn add_page(
    app: &App,
    frame: Frame,
    server_id: Uuid,
    (plan, problem): (Plan, Option<&'static str>),
) -> Answer {
    let server_name = server_name(app, server_id).await?;
    let view = PlanView { plan: packages::with_sizes(app, plan).await? };
    view::page(&AddPage { frame, server_id, server_name, view, problem })
}

async fn server_name(app: &App, id: Uuid) -> Result<String, Problem> {
    Ok(app::servers::get(app, id).await?.server.name)
}

/// The package that a grant names.
pub(crate) fn name(grant: &Grant) -> &str {
    packages::parts(&grant.name).0
}
