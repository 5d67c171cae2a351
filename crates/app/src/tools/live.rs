//! What clients can call, ask for and read now.

use store::tools::{LiveName, LiveTool};
use uuid::Uuid;

use crate::revisions::Kind;
use crate::{App, Result};

/// So many are read at once.
const AT_ONCE: usize = 500;

/// The names of all that clients can call, ask for or read now, of every kind, in the order of the
/// public names, without those that were found changed behind our back.
pub async fn live_names(app: &App) -> Result<Vec<LiveName>> {
    let mut names = store::tools::live_names(app.store()).await?;
    names.retain(|name| name.is_callable && !app.altered().has(name.revision_id));
    names.sort_by_cached_key(LiveName::public_name);
    Ok(names)
}

/// How many revisions this process has found changed behind our back: once there is one more, what was
/// listed before may be too much.
pub fn altered(app: &App) -> usize {
    app.altered().count()
}

/// The names of all tools that clients can call now, in order, each with its tool.
pub async fn callable(app: &App) -> Result<Vec<(String, Uuid)>> {
    let names = live_names(app).await?.into_iter().filter(|name| name.kind == Kind::Tool);
    Ok(names.map(|name| (name.public_name(), name.tool_id)).collect())
}

/// Those of these that clients can call, ask for or read now. One whose row was changed behind our back
/// is left out: what clients read of it was never approved.
pub async fn live_of(app: &App, ids: &[Uuid]) -> Result<Vec<LiveTool>> {
    let mut live = Vec::with_capacity(ids.len());
    for ids in ids.chunks(AT_ONCE) {
        live.extend(store::tools::live_of(app.store(), ids).await?);
    }
    live.retain(|tool| is_intact(app, tool));
    Ok(live)
}

fn is_intact(app: &App, tool: &LiveTool) -> bool {
    let intact = app.altered().is_intact(&tool.revision);
    if !intact {
        tracing::error!(tool = %tool.public_name(), "left out of the list: its digest does not match");
    }
    intact
}
