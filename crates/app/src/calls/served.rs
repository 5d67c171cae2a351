//! What clients call, ask for and read: the live revision behind a name or a URI, and its run.

use std::sync::Arc;

use serde_json::{Map, Value};
use store::tools::LiveTool;

use super::ready::{self, Live};
use super::{Report, Subject, execute};
use crate::conversation::Conversation;
use crate::identity::{Caller, Who};
use crate::revisions::Kind;
use crate::{App, Result, resources};

impl Subject {
    fn of(live: &Live) -> Self {
        Self {
            server_id: live.tool.server_id,
            prefix: live.tool.prefix.clone(),
            tool_id: live.tool.tool_id,
            revision: live.tool.revision.clone(),
            uri: None,
            grants: live.grants.clone(),
            effective: live.effective.clone(),
            redact_result: live.redact_result,
            sealed: Some(Arc::clone(&live.sealed)),
            source: live.source.clone(),
            trial: None,
        }
    }
}

/// Runs the approved revision of the tool that clients know as `name` (`prefix__tool`).
///
/// # Errors
/// [`crate::Error::NotFound`] if there is no such live tool; a failure of the tool itself, wrong
/// arguments among them, is a [`Report`].
pub async fn run(
    app: &App,
    caller: &Caller,
    name: &str,
    arguments: Map<String, Value>,
    conversation: Arc<dyn Conversation>,
) -> Result<Report> {
    run_as(app, caller, (Kind::Tool, name), arguments, conversation).await
}

/// As [`run`], for a tool or a prompt.
pub(crate) async fn run_as(
    app: &App,
    caller: &Caller,
    (kind, name): (Kind, &str),
    arguments: Map<String, Value>,
    conversation: Arc<dyn Conversation>,
) -> Result<Report> {
    caller.check_call()?;
    let live = ready::live(app, kind, name).await?;
    let who = Who::from(caller.clone());
    execute(app, &who, Subject::of(&live), arguments, conversation).await
}

/// Runs the approved revision of the resource that is read under a URI.
pub(crate) async fn read(
    app: &App,
    caller: &Caller,
    uri: &str,
    conversation: Arc<dyn Conversation>,
) -> Result<Report> {
    caller.check_call()?;
    let addresses = ready::addresses(app).await?;
    let unknown = || resources::not_found(uri);
    let (address, arguments) = resources::find(&addresses, uri).ok_or_else(unknown)?;
    let live = ready::live(app, Kind::Resource, &address.name).await?;
    // Changed between the two looks: it is read elsewhere now.
    if live.tool.revision.uri.as_deref() != Some(&address.uri) {
        return Err(unknown());
    }
    let who = Who::from(caller.clone());
    let subject = Subject { uri: Some(uri.to_owned()), ..Subject::of(&live) };
    execute(app, &who, subject, arguments, conversation).await
}

/// The live tool or prompt that clients know as `name`.
pub(crate) async fn live(app: &App, kind: Kind, name: &str) -> Result<LiveTool> {
    Ok(ready::live(app, kind, name).await?.tool.clone())
}

/// The name of a tool or a prompt that clients can run now.
pub(crate) async fn live_name(app: &App, kind: Kind, name: &str) -> Result<String> {
    Ok(ready::live(app, kind, name).await?.tool.public_name())
}

/// The name of the resource that clients read under a URI now.
pub(crate) async fn read_name(app: &App, uri: &str) -> Result<String> {
    let addresses = ready::addresses(app).await?;
    let found = resources::find(&addresses, uri).ok_or_else(|| resources::not_found(uri))?;
    Ok(found.0.name.clone())
}

/// The live resource of that URI or template, or that is read under it.
pub(crate) async fn live_resource(app: &App, uri: &str) -> Result<LiveTool> {
    let addresses = ready::addresses(app).await?;
    let same = addresses.iter().find(|address| address.uri == uri);
    let found = same.or_else(|| resources::find(&addresses, uri).map(|(address, _)| address));
    let address = found.ok_or_else(|| resources::not_found(uri))?;
    live(app, Kind::Resource, &address.name).await
}
