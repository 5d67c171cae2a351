//! Looks after the sources while the program runs: ends idle connections, lists tools anew where that is due.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::StreamExt as _;
use store::external_sources::ExternalSource;
use uuid::Uuid;

use super::discovery::refresh;
use super::{Detail, Status};
use crate::{App, Result, Tie, clock};

/// How often it looks.
const LOOK: Duration = Duration::from_secs(30);

/// So long after it was listed last, a source from which something was imported is listed again.
const CHECK: TimeDelta = TimeDelta::minutes(15);

/// So long after it failed, a source whose tools were never listed is asked again.
const RETRY: TimeDelta = TimeDelta::minutes(2);

/// How many sources are asked at once.
const AT_ONCE: usize = 8;

/// So long after something was changed it looks: changes come one after the other.
const AFTER_CHANGE: Duration = Duration::from_secs(1);

/// Runs until the program ends.
pub(crate) async fn keep(tie: Tie) {
    let Ok(app) = tie.app() else { return };
    let (notices, mut counter) = (Arc::clone(&app.connections().changed), app.changes());
    drop(app);
    loop {
        // Notices come in bursts, and a source may still be changing.
        let told = async {
            notices.told.notified().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        // A source was added, allowed or logged in to, in this process or another.
        let changed = async {
            if counter.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(AFTER_CHANGE).await;
            counter.mark_unchanged();
        };
        let was_told = tokio::select! {
            () = told => true,
            () = changed => false,
            () = tokio::time::sleep(LOOK) => false,
        };
        let Ok(app) = tie.app() else { return };
        let ids = notices.take();
        let due = if was_told { Ok(Vec::new()) } else { look(&app).await };
        let due = due.unwrap_or_else(|error| {
            tracing::error!(%error, "the external sources could not be looked after");
            Vec::new()
        });
        let all = ids.into_iter().chain(due);
        futures::stream::iter(all).for_each_concurrent(AT_ONCE, |id| ask(&app, id)).await;
    }
}

async fn ask(app: &App, id: Uuid) {
    if let Err(error) = refresh(app, id).await {
        tracing::warn!(source = %id, %error, "an external source could not be listed");
    }
}

/// Ends what is idle; gives the sources whose list is due.
async fn look(app: &App) -> Result<Vec<Uuid>> {
    let sources = store::external_sources::all(app.store()).await?;
    app.connections().sweep(&sources);
    let mut due = Vec::new();
    for source in sources {
        if is_due(&source) && is_usable(app, &source).await? && is_needed(app, &source).await? {
            due.push(source.id);
        }
    }
    Ok(due)
}

fn is_due(source: &ExternalSource) -> bool {
    let now = clock::now();
    let failed_lately = source.failed_at.is_some_and(|at| now - at < RETRY);
    let listed_lately = source.last_discovered_at.is_some_and(|at| now - at < CHECK);
    !failed_lately && !listed_lately
}

async fn is_usable(app: &App, source: &ExternalSource) -> Result<bool> {
    let tokens = store::source_tokens::find(app.store(), source.id).await?;
    let status = Detail { source: source.clone(), tokens }.status();
    Ok(matches!(status, Status::Active | Status::Error))
}

/// Whether anybody wants to know: something was imported, or it was never listed.
async fn is_needed(app: &App, source: &ExternalSource) -> Result<bool> {
    if source.discovered.is_none() {
        return Ok(true);
    }
    let imported = store::tools::imported(app.store(), source.server_id).await?;
    let is_own = |imported: &store::revisions::Imported| imported.source_id == source.id;
    Ok(imported.iter().any(|(_, newest)| newest.imported.as_ref().is_some_and(is_own)))
}
