//! The tools that were called, ready to be called again for as long as nothing has changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::secrets::Secret;
use store::tools::LiveTool;

use crate::capabilities::{Capabilities, Effective};
use crate::grants::{self, Grants};
use crate::{App, Error, Result, policy, secrets};

/// Bytes of source and of sealed values that are kept in all.
const SOURCES_MAX: usize = 16 << 20;

/// What was found of live tools while the counter of changes stood where it stands.
#[derive(Default)]
pub(crate) struct Ready {
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    counter: i64,
    tools: HashMap<String, Arc<Live>>,
    bytes: usize,
}

/// A live tool, what its server is granted, and its secrets, sealed as they are in the database.
pub(crate) struct Live {
    pub(crate) tool: LiveTool,
    pub(crate) grants: Grants,
    /// What of its declaration holds.
    pub(crate) effective: Effective,
    /// Whether the values of secrets are taken out of its results.
    pub(crate) redact_result: bool,
    pub(crate) sealed: Arc<[Secret]>,
}

impl Live {
    async fn of(app: &App, tool: LiveTool) -> Result<Arc<Self>> {
        let grants = grants::of(app, tool.server_id).await?;
        let policy = policy::get(app).await?;
        let declared = Capabilities::of(&tool.revision);
        let effective = Effective::new(&declared, &grants, policy.allows_all_public())?;
        let sealed = secrets::sealed_of(app, tool.server_id, &declared.secrets).await?.into();
        let redact_result = policy.redacts_results();
        Ok(Arc::new(Self { tool, grants, effective, redact_result, sealed }))
    }

    /// The bytes that are kept of it.
    fn bytes(&self) -> usize {
        let sealed = self.sealed.iter().filter_map(|secret| secret.sealed.as_ref());
        self.tool.revision.python_code.len() + sealed.map(Vec::len).sum::<usize>()
    }
}

impl Ready {
    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, counter: i64, name: &str) -> Option<Arc<Live>> {
        let found = self.found();
        if found.counter == counter { found.tools.get(name).cloned() } else { None }
    }

    fn put(&self, counter: i64, name: &str, live: &Arc<Live>) {
        let mut found = self.found();
        let bytes = live.bytes();
        if found.counter != counter || found.bytes + bytes > SOURCES_MAX {
            *found = Found { counter, ..Found::default() };
        }
        found.bytes += bytes;
        found.tools.insert(name.to_owned(), Arc::clone(live));
    }
}

#[cfg(test)]
impl Ready {
    /// Keeps a tool as if it had been called before.
    pub(super) async fn keep(&self, app: &App, tool: LiveTool) -> Result<()> {
        let counter = store::changes::counter(app.store()).await?;
        let name = tool.public_name();
        let live = Live::of(app, tool).await?;
        *self.found() = Found::default();
        self.put(counter, &name, &live);
        Ok(())
    }
}

/// The tool that clients know as `name`, as it is now. Each change of tools, servers, grants and secrets moves
/// the counter, so that one small query tells whether what was read before still holds.
pub(super) async fn live(app: &App, name: &str) -> Result<Arc<Live>> {
    let unknown = || Error::not_found("Tool", &name);
    // Read before all else: a change that comes meanwhile is found at the next call.
    let counter = store::changes::counter(app.store()).await?;
    if let Some(live) = app.ready().get(counter, name) {
        return Ok(live);
    }
    let tool = store::tools::find_live(app.store(), name).await?.ok_or_else(unknown)?;
    let live = Live::of(app, tool).await?;
    app.ready().put(counter, name, &live);
    Ok(live)
}
