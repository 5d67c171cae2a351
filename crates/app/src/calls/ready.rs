//! The tools, prompts and resources that were called, ready to be called again for as long as nothing has changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::external_sources::ExternalSource;
use store::secrets::Secret;
use store::tools::LiveTool;

use crate::capabilities::{Capabilities, Effective};
use crate::grants::{self, Grants};
use crate::resources::Address;
use crate::revisions::Kind;
use crate::{App, Error, Result, external_sources, policy, resources, secrets};

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
    addresses: Option<Arc<[Address]>>,
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
    /// Where an imported tool runs.
    pub(crate) source: Option<Arc<ExternalSource>>,
}

impl Live {
    async fn of(app: &App, tool: LiveTool) -> Result<Arc<Self>> {
        let grants = grants::of(app, tool.server_id).await?;
        let policy = policy::get(app).await?;
        let declared = Capabilities::of(&tool.revision);
        let effective = Effective::new(&declared, &grants, policy.allows_all_public())?;
        let sealed = secrets::sealed_of(app, tool.server_id, &declared.secrets).await?.into();
        let redact_result = policy.redacts_results();
        let source = match &tool.revision.imported {
            Some(imported) => {
                Some(Arc::new(external_sources::find(app.store(), imported.source_id).await?))
            }
            None => None,
        };
        Ok(Arc::new(Self { tool, grants, effective, redact_result, sealed, source }))
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

    fn addresses(&self, counter: i64) -> Option<Arc<[Address]>> {
        let found = self.found();
        if found.counter == counter { found.addresses.clone() } else { None }
    }

    fn put_addresses(&self, counter: i64, addresses: &Arc<[Address]>) {
        let mut found = self.found();
        if found.counter != counter {
            *found = Found { counter, ..Found::default() };
        }
        found.addresses = Some(Arc::clone(addresses));
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

/// The tool or the prompt that clients know as `name`, as it is now. Each change of tools, servers, grants and secrets moves
/// the counter, so that one small query tells whether what was read before still holds.
pub(super) async fn live(app: &App, kind: Kind, name: &str) -> Result<Arc<Live>> {
    let unknown = || Error::not_found(noun(kind), &name);
    // Read before all else: a change that comes meanwhile is found at the next call.
    let counter = store::changes::counter(app.store()).await?;
    let live = if let Some(live) = app.ready().get(counter, name) {
        live
    } else {
        let tool = store::tools::find_live(app.store(), name).await?.ok_or_else(unknown)?;
        let live = Live::of(app, tool).await?;
        app.ready().put(counter, name, &live);
        live
    };
    if live.tool.revision.kind == kind { Ok(live) } else { Err(unknown()) }
}

/// Where clients read resources, as it is now.
pub(super) async fn addresses(app: &App) -> Result<Arc<[Address]>> {
    let counter = store::changes::counter(app.store()).await?;
    if let Some(addresses) = app.ready().addresses(counter) {
        return Ok(addresses);
    }
    let live = store::tools::live_uris(app.store()).await?;
    let addresses: Arc<[Address]> = resources::readable(live).into();
    app.ready().put_addresses(counter, &addresses);
    Ok(addresses)
}

fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Tool => "Tool",
        Kind::Prompt => "Prompt",
        Kind::Resource => "Resource",
    }
}
