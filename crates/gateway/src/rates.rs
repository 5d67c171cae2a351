//! How often callers may ask, and run the same: what is counted, what is refused, and what answers tell of it.

use app::limits::{self, Ran, Standing};
use app::tools::Kind;
use axum::response::Response;
use serde_json::Value;

use crate::problem::Problem;
use crate::rpc::{Error, Request};
use crate::server::{Asker, Server};
use crate::{management, methods};

/// What each caller may send so many of.
pub(crate) const REQUESTS: &str = "requests";

/// A run that was counted.
pub(crate) struct Run {
    name: String,
    standing: Standing,
}

impl Run {
    /// The refusal, where this run is one too many.
    pub(crate) fn refused(&self) -> Option<Problem> {
        Problem::too_often(self.standing, &self.what())
    }

    fn what(&self) -> String {
        format!("calls of `{}`", self.name)
    }
}

/// Counts what a request runs. None where nothing is counted: without a limit, and where the caller has
/// nothing of that name, which it is told then.
///
/// # Errors
/// When the database fails.
pub(crate) async fn count(
    server: &Server,
    asker: &Asker,
    request: &Request,
) -> app::Result<Option<Run>> {
    let caller = asker.caller();
    let text = |key: &str| request.params.get(key).and_then(Value::as_str);
    let called = || text("name").filter(|_| caller.scopes.call);
    let ran = match request.method.as_str() {
        "tools/call" => match text("name") {
            Some(name) if name.starts_with(management::PREFIX) => {
                let own = management::own_name(name).filter(|_| caller.scopes.author);
                own.map(Ran::Own)
            }
            _ => called().map(|name| Ran::Named(Kind::Tool, name)),
        },
        "prompts/get" => called().map(|name| Ran::Named(Kind::Prompt, name)),
        _ => text("uri").filter(|_| caller.scopes.call).map(Ran::Resource),
    };
    let Some(ran) = ran else { return Ok(None) };
    let counted = server.runs.count(&server.app, asker.identity.counted(), ran).await?;
    Ok(counted.map(|(name, standing)| Run { name, standing }))
}

/// Counts a request of a batch as if it had come alone; the first was counted when all of them came. One too
/// many is refused by itself, because the others are answered under the same status.
///
/// # Errors
/// -32603 that says when to come back.
pub(crate) async fn count_in_batch(
    server: &Server,
    asker: &Asker,
    request: &Request,
    is_first: bool,
) -> Result<(), Error> {
    let mut refusal = None;
    if !is_first {
        let per_minute = limits::of_mcp(&server.app).await?;
        let standing = server.limit.count(per_minute, &asker.identity.counted());
        refusal = standing.and_then(|standing| standing.refusal(REQUESTS));
    }
    if refusal.is_none() && methods::kind(&request.method, asker.version) == methods::Kind::Run {
        let counted = count(server, asker, request).await?;
        refusal = counted.and_then(|run| run.standing.refusal(&run.what()));
    }
    refusal.map_or(Ok(()), |refusal| Err(Error::failure(refusal)))
}

/// Leaves with a response how its caller stands.
pub(crate) fn tell(counted: Option<Run>, response: &mut Response) {
    if let Some(run) = counted {
        response.extensions_mut().insert(run.standing);
    }
}

/// How the caller of a response stands: of the limits that hold for it, the one that it comes up against first.
pub(crate) fn told(of_requests: Option<Standing>, response: &mut Response) -> Option<Standing> {
    let left = response.extensions_mut().remove::<Standing>();
    match (of_requests, left) {
        (Some(one), Some(other)) => Some(one.tighter(other)),
        (one, other) => one.or(other),
    }
}
