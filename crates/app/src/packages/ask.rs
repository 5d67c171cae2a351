//! A tool's request for a package: looked up in the index at once, decided about by a person.

use packages::{PackageName, Version};
use store::Json;
use uuid::Uuid;

use super::index::INDEX;
use super::plan::{Plan, full_name};
use super::planning::{self, Asker, Wanted, already_allowed};
use super::{held, parts};
use crate::grants::{Kind, Subject};
use crate::identity::Who;
use crate::requests::{self, Filed, State, Wish};
use crate::{App, Error, Result, tools};

/// A filed request for a package, and what it was found to mean.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request.
    pub filed: Filed,
    /// What approving it would do, as of when it was filed; nothing where the index did not answer.
    pub plan: Option<Plan>,
}

/// Asks for a package for all tools of the tool's server; without a version, for the newest that
/// can be used. Asking for what waits already changes nothing.
///
/// # Errors
/// [`Error::Invalid`] for what is no package, or none that the sandbox could use;
/// [`Error::Conflict`] for one that is there already, does not go together with what the server
/// has, or was rejected for this tool. Without a version also [`Error::Unavailable`] when the index
/// does not answer.
pub async fn file(
    app: &App,
    who: &Who,
    tool_id: Uuid,
    (package, version): (&str, Option<&str>),
    justification: &str,
) -> Result<Asked> {
    let tool = tools::find(app, tool_id).await?;
    let mut wanted = Wanted::read(package, version)?;
    let justification = requests::check_justification(justification)?;
    if let Some(asked) = already_asked(app, tool.server_id, tool_id, &wanted).await? {
        return Ok(asked);
    }
    requests::check_room(app, tool_id).await?;
    let plan = match planning::plan(app, tool.server_id, &wanted, Asker::Model).await {
        Ok(plan) => Some(plan),
        Err(Error::Unavailable { part: INDEX, source }) if wanted.version.is_some() => {
            tracing::warn!(error = %source, "a package is asked for without a plan");
            None
        }
        Err(error) => return Err(error),
    };
    if let Some(plan) = &plan {
        wanted.version = Some(plan.version.clone());
    }
    let name = match &wanted.version {
        Some(version) => full_name(&wanted.name, version),
        None => wanted.name.to_string(),
    };
    let subject = Subject { kind: Kind::Package, server_id: Some(tool.server_id), name: &name };
    let kept = plan.as_ref().map(to_json).transpose()?;
    let filed =
        requests::file(app, who, Wish { tool_id, subject, justification, plan: kept }).await?;
    Ok(Asked { filed, plan })
}

/// What the tool waits for already, or was refused; and what its server has already.
async fn already_asked(
    app: &App,
    server_id: Uuid,
    tool_id: Uuid,
    wanted: &Wanted,
) -> Result<Option<Asked>> {
    let Some(version) = &wanted.version else { return Ok(None) };
    let name = full_name(&wanted.name, version);
    let held: Vec<(PackageName, Version)> = held::granted(app.store(), server_id).await?;
    if held.iter().any(|(other, at)| (other, at) == (&wanted.name, version)) {
        return Err(Error::Conflict(already_allowed(&name)));
    }
    let subject = Subject { kind: Kind::Package, server_id: Some(server_id), name: &name };
    let Some(filed) = requests::before(app, tool_id, &subject).await? else { return Ok(None) };
    let plan = shown(&filed.request)?;
    Ok(Some(Asked { filed, plan }))
}

/// The plan that a request was filed with.
fn shown(request: &requests::Request) -> Result<Option<Plan>> {
    let kept = request.plan.clone().map(|Json(plan)| serde_json::from_value(plan));
    kept.transpose().map_err(|error| Error::Internal(Box::new(error)))
}

/// The plan of a request as the index and the server are now.
pub(super) async fn plan_of(app: &App, request: &requests::Request) -> Result<Plan> {
    let (package, version) = parts(&request.name);
    planning::plan(app, request.server_id, &Wanted::read(package, Some(version))?, Asker::Person)
        .await
}

/// What a person sees who decides about a request: its plan as it would be now, or why there is none;
/// what was approved stands as it was then.
pub async fn to_decide(
    app: &App,
    request: &requests::Request,
) -> Result<(Option<Plan>, Option<String>)> {
    if request.state == State::Approved {
        return Ok((shown(request)?, None));
    }
    match plan_of(app, request).await {
        Ok(plan) => Ok((Some(plan), None)),
        Err(error @ Error::Internal(_)) => Err(error),
        Err(error) => Ok((None, Some(error.to_string()))),
    }
}

/// The plan with the sizes of the wheels that are here, where the index told none. It stays the
/// same plan: sizes are no part of what is decided about.
pub async fn with_sizes(app: &App, mut plan: Plan) -> Result<Plan> {
    let wheels = &app.packages()?.wheels;
    for planned in plan.packages.iter_mut().filter(|planned| planned.locked.bytes == 0) {
        if let Some(bytes) = wheels.size(&planned.locked.sha256).await? {
            planned.locked.bytes = bytes;
        }
    }
    Ok(plan)
}

fn to_json(plan: &Plan) -> Result<Json> {
    serde_json::to_value(plan).map(Json).map_err(|error| Error::Internal(Box::new(error)))
}
