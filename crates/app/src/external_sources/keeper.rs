//! Looks after the sources while the program runs: ends idle connections, lists tools anew where that is due.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use store::external_sources::ExternalSource;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::asking::Asking;
use super::discovery::refresh;
use super::{Detail, Status};
use crate::{App, Result, Tie, clock};

/// How often it looks.
const LOOK: Duration = Duration::from_secs(30);

/// So long after it was listed last, a source from which something was imported is listed again.
const CHECK: TimeDelta = TimeDelta::minutes(15);

/// So long after it failed, a source whose tools were never listed is asked again.
const RETRY: TimeDelta = TimeDelta::minutes(2);

/// So long after something was changed it looks: changes come one after the other.
const AFTER_CHANGE: Duration = Duration::from_secs(1);

/// So long after a notice a source is asked.
const BURST: Duration = Duration::from_millis(200);

/// Runs until the program ends.
pub(crate) async fn keep(tie: Tie) {
    tokio::join!(sweep(&tie), list(&tie));
}

/// Ends connections that are idle, and those of sources that were refused, switched off, changed or deleted, in this
/// process or another.
async fn sweep(tie: &Tie) {
    let Ok(app) = tie.app() else { return };
    let mut counter = app.changes();
    drop(app);
    loop {
        tokio::select! {
            changed = counter.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(LOOK) => {}
        }
        let Ok(app) = tie.app() else { return };
        if app.connections().is_empty() {
            continue;
        }
        match store::external_sources::standings(app.store()).await {
            Ok(standings) => app.connections().sweep(&standings, Instant::now()),
            Err(error) => tracing::error!(%error, "it is not known which sources may be used"),
        }
    }
}

/// Lists the tools of sources anew where that is due, each by itself: one that does not answer holds up no other.
async fn list(tie: &Tie) {
    let Ok(app) = tie.app() else { return };
    let (notices, mut counter) = (Arc::clone(&app.connections().changed), app.changes());
    drop(app);
    let mut asking = Asking::default();
    let mut tasks = JoinSet::new();
    let mut under_way = HashMap::new();
    let mut look_at = Instant::now() + LOOK;
    loop {
        tokio::select! {
            () = notices.told.notified() => {
                // Notices come in bursts, and a source may still be changing.
                tokio::time::sleep(BURST).await;
                notices.take().into_iter().for_each(|id| asking.told(id));
            }
            // A source was added, allowed or logged in to, in this process or another.
            changed = counter.changed() => {
                if changed.is_err() {
                    return;
                }
                look_at = look_at.min(Instant::now() + AFTER_CHANGE);
            }
            () = tokio::time::sleep_until(look_at.into()) => {
                look_at = Instant::now() + LOOK;
                let Ok(app) = tie.app() else { return };
                match look(&app).await {
                    Ok(due) => due.into_iter().for_each(|id| asking.due(id)),
                    Err(error) => {
                        tracing::error!(%error, "the external sources could not be looked after");
                    }
                }
            }
            Some(ended) = tasks.join_next_with_id() => {
                let task = ended.map_or_else(|error| error.id(), |(task, ())| task);
                under_way.remove(&task).into_iter().for_each(|id| asking.done(id));
            }
        }
        while let Some(id) = asking.next() {
            let Ok(app) = tie.app() else { return };
            let task = tasks.spawn(async move { ask(&app, id).await });
            under_way.insert(task.id(), id);
        }
    }
}

async fn ask(app: &App, id: Uuid) {
    if let Err(error) = refresh(app, id).await {
        tracing::warn!(source = %id, %error, "an external source could not be listed");
    }
}

/// The sources whose list is due.
async fn look(app: &App) -> Result<Vec<Uuid>> {
    let sources = store::external_sources::all(app.store()).await?;
    let mut due = Vec::new();
    for source in sources {
        let (failed_at, listed_at) = (source.failed_at, source.last_discovered_at);
        if is_due(failed_at, listed_at, clock::now())
            && is_usable(app, &source).await?
            && is_needed(app, &source).await?
        {
            due.push(source.id);
        }
    }
    Ok(due)
}

/// Whether a source is asked that failed and was listed last at these times.
fn is_due(
    failed_at: Option<DateTime<Utc>>,
    listed_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> bool {
    let failed_lately = failed_at.is_some_and(|at| now - at < RETRY);
    let listed_lately = listed_at.is_some_and(|at| now - at < CHECK);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_listed_again_after_a_quarter_of_an_hour_and_not_while_it_fails() {
        let now = clock::now();
        let ago = |seconds| Some(now - TimeDelta::seconds(seconds));
        for (failed_at, listed_at, expected) in [
            (None, None, true),
            (None, ago(0), false),
            (None, ago(15 * 60 - 1), false),
            (None, ago(15 * 60), true),
            (ago(0), None, false),
            (ago(119), ago(15 * 60), false),
            (ago(120), ago(15 * 60), true),
            (ago(120), ago(60), false),
        ] {
            assert_eq!(is_due(failed_at, listed_at, now), expected, "{failed_at:?} {listed_at:?}");
        }
    }
}
