//! Packages in the API: requests with their plans, and what a server has.

use app::identity::Admin;
use app::packages::{self, Approval, Held, OfServer};
use app::requests::{self, Kind, Request};
use app::{App, servers};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::one;
use super::requests::{decided, fields, queue};
use crate::errors::{Answer, Problem};
use crate::extract::{Body, Id, IdAndName, Paging, Search, Status};
use crate::requests::decision;
use crate::session::SignedIn;

#[derive(Deserialize)]
pub(crate) struct Act {
    action: String,
    #[serde(default)]
    plan: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    package: String,
    #[serde(default)]
    version: Option<String>,
    /// The digest of the plan that is agreed to.
    #[serde(default)]
    plan: Option<String>,
}

/// GET /api/approvals/packages
pub(crate) async fn list(
    State(app): State<App>,
    Search(paging): Search<Paging>,
    Search(search): Search<Status>,
) -> Answer {
    queue(&app, (Kind::Package, None), &paging, &search, "pending").await
}

/// GET /api/approvals/packages/{id}
pub(crate) async fn show(State(app): State<App>, Id(id): Id) -> Answer {
    let request = requests::find(&app, Kind::Package, id).await?;
    let (plan, error) = packages::to_decide(&app, &request).await?;
    let mut body = fields(&request);
    if let Value::Object(body) = &mut body {
        body.insert("plan".to_owned(), json!(plan));
        body.insert("plan_error".to_owned(), json!(error));
    }
    Ok(one(body))
}

/// DELETE /api/approvals/packages/{id}
pub(crate) async fn forget(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    requests::delete(&app, &admin, Kind::Package, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// POST /api/approvals/packages/{id}/action
pub(crate) async fn decide(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Body(act): Body<Act>,
) -> Answer {
    let Act { action, plan, reason } = act;
    let request = match (action.as_str(), plan) {
        ("approve", Some(plan)) => given(packages::approve(&app, &admin, id, &plan).await?)?,
        _ => reject(&app, &admin, id, &action, reason).await?,
    };
    Ok(one(decided(&request)))
}

async fn reject(
    app: &App,
    admin: &Admin,
    id: Uuid,
    action: &str,
    reason: Option<String>,
) -> Result<Request, Problem> {
    let reason = reason.unwrap_or_default();
    Ok(requests::decide(app, admin, Kind::Package, id, decision(action, &reason)?).await?)
}

/// What was approved, or a conflict that shows what would be.
fn given<T>(approval: Approval<T>) -> Result<T, Problem> {
    match approval {
        Approval::Given(given) => Ok(given),
        Approval::Different(plan) => {
            let text = "what would be approved now differs from the plan that you sent; look at the new one and send its digest";
            let problem = Problem::new(StatusCode::CONFLICT, "plan_changed", text);
            Err(problem.member("plan", json!(plan)))
        }
    }
}

/// GET /api/servers/{id}/packages
pub(crate) async fn of_server(State(app): State<App>, Id(id): Id) -> Answer {
    servers::get(&app, id).await?;
    listed(&app, id).await
}

/// POST /api/servers/{id}/packages
pub(crate) async fn add(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Body(wanted): Body<Wanted>,
) -> Answer {
    let Wanted { package, version, plan } = wanted;
    let version = version.as_deref();
    let Some(digest) = plan else {
        let plan = packages::plan(&app, id, &package, version).await?;
        let message =
            "nothing is allowed yet: send the same again with the plan's digest as `plan`";
        return Ok(one(json!({ "server_id": id, "plan": plan, "message": message })));
    };
    given(packages::add(&app, &admin, id, (&package, version), &digest).await?)?;
    listed(&app, id).await
}

/// DELETE /api/servers/{id}/packages/{package}
pub(crate) async fn remove(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    IdAndName(id, package): IdAndName,
) -> Answer {
    packages::remove(&app, &admin, id, &package).await?;
    listed(&app, id).await
}

async fn listed(app: &App, id: Uuid) -> Answer {
    let OfServer { grants, kept, preparation } = packages::of_server(app, id).await?;
    let allowed = grants.iter().map(|grant| {
        let (package, version) = packages::parts(&grant.name);
        json!({
            "package": package,
            "version": version,
            "granted_by": grant.granted_by,
            "granted_at": grant.granted_at,
        })
    });
    let held: Vec<&Held> = kept.iter().flat_map(|kept| &kept.packages).collect();
    Ok(one(json!({
        "server_id": id,
        "allowed_packages": allowed.collect::<Vec<_>>(),
        "digest": kept.as_ref().map(|kept| &kept.digest),
        "packages": held,
        "preparation": preparation,
    })))
}
