//! How far the tools of a source have come that was registered.

use store::external_sources::ExternalSource;
use store::revisions::State;
use store::tools::Tool;

use super::super::discovery::Found;
use super::super::{Detail, Status, discovered};
use crate::servers::{self, Server};
use crate::{App, Result};

/// How far the tools of a source have come.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The source.
    pub detail: Detail,
    /// The server whose tools they are.
    pub server: Server,
    /// Tools that were imported.
    pub imported: usize,
    /// Those of them that wait for a person.
    pub waiting: usize,
    /// Those of them that clients can call while the server runs.
    pub live: usize,
    /// Tools of the source that cannot be imported, and why.
    pub left_out: Vec<(String, String)>,
}

impl Standing {
    /// The word for it: `pending` until the tools were listed for the first time.
    pub fn word(&self) -> &'static str {
        match self.detail.status() {
            Status::Active | Status::Error if self.source().discovered.is_none() => "pending",
            status => status.as_str(),
        }
    }

    /// What to do, if anything is to be done.
    pub fn message(&self) -> String {
        let source = self.source();
        match (self.detail.status(), &source.failure) {
            (Status::NeedsLogin, _) => {
                "a person has to log in: on the page of the source, or with `mcpbox sources connect`"
                    .to_owned()
            }
            (Status::Active | Status::Error, Some(failure)) => failure.clone(),
            (Status::Active, None) if source.discovered.is_none() => {
                "its tools were not listed yet; that is tried again".to_owned()
            }
            (Status::Active, None) => format!(
                "{} tools, of which {} wait for review and {} can be called",
                source.tool_count, self.waiting, self.live
            ),
            (status, _) => status.as_str().to_owned(),
        }
    }

    /// Whether it answered when it was asked last.
    pub fn is_reachable(&self) -> bool {
        self.source().discovered.is_some() && self.source().failure.is_none()
    }

    fn source(&self) -> &ExternalSource {
        &self.detail.source
    }
}

/// How far the tools of a source have come.
pub async fn standing(app: &App, detail: Detail) -> Result<Standing> {
    let source = &detail.source;
    let server = servers::find(app, source.server_id).await?;
    let tools = store::tools::imported(app.store(), server.id).await?;
    let is_own = |revision: &store::revisions::Revision| {
        revision.imported.as_ref().is_some_and(|imported| imported.source_id == source.id)
    };
    let own: Vec<_> = tools.into_iter().filter(|(_, newest)| is_own(newest)).collect();
    let waiting = own.iter().filter(|(_, newest)| newest.state == State::PendingReview).count();
    let live = own.iter().filter(|(tool, _)| is_live(tool)).count();
    let left_out = match source.discovered {
        Some(_) => left_out(app, source).await?,
        None => Vec::new(),
    };
    Ok(Standing { imported: own.len(), waiting, live, left_out, server, detail })
}

/// Whether clients can call it while its server runs.
fn is_live(tool: &Tool) -> bool {
    tool.live_revision.is_some() && tool.enabled && tool.quarantine.is_none()
}

async fn left_out(app: &App, source: &ExternalSource) -> Result<Vec<(String, String)>> {
    let found = discovered(app, source.id).await?;
    let faulty = |tool: Found| tool.fault.map(|fault| (tool.name, fault));
    Ok(found.left_out.into_iter().chain(found.tools.into_iter().filter_map(faulty)).collect())
}
