//! The traffic: all visitors at once, each doing one thing after the other until the time is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Error, Result};
use rand::RngExt as _;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Duration, Instant, timeout};

use crate::connection::Gone;
use crate::stage::{Stage, Visit};
use crate::visitor::Visitor;
use crate::{author, hostile, kinds};

/// Nothing that is asked may take longer.
const PATIENCE: Duration = Duration::from_mins(2);

/// A body that stops coming is waited for that long; shorter traffic has none of these.
const STALL: Duration = Duration::from_secs(30);

const STALLS: usize = 8;

/// All who visit.
pub(crate) struct Traffic {
    visitors: JoinSet<()>,
    is_over: Arc<AtomicBool>,
    /// Who makes tools. Others wait to hear of those, so this ends after them.
    author: JoinHandle<()>,
    author_is_over: Arc<AtomicBool>,
}

impl Traffic {
    /// Begins; it goes on until it is told to end.
    pub(crate) fn begin(stage: &Arc<Stage>) -> Self {
        let [is_over, author_is_over] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let mut visitors = JoinSet::new();
        for number in 1..=stage.plan.connections {
            visitors.spawn(visits(Visitor::new(stage, number), Arc::clone(&is_over)));
        }
        let author = tokio::spawn(makes(Visitor::new(stage, 0), Arc::clone(&author_is_over)));
        Self { visitors, is_over, author, author_is_over }
    }

    /// Adds some whose bodies stop coming, where the time that is left is enough.
    pub(crate) fn stall(&mut self, stage: &Arc<Stage>, left: Duration) {
        if left < STALL {
            return;
        }
        for _ in 0..STALLS {
            let stage = Arc::clone(stage);
            self.visitors.spawn(async move {
                let began = Instant::now();
                let visit = stage.visit().await;
                let outcome = hostile::stalls(&stage.mcp).await;
                count(&stage, &visit, "hostile: body that stops", began, outcome);
            });
        }
    }

    /// Tells all to end, and waits until they have.
    pub(crate) async fn end(mut self) -> Result<()> {
        self.is_over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.visitors.join_next().await {
            ended?;
        }
        self.author_is_over.store(true, Ordering::Relaxed);
        Ok(self.author.await?)
    }
}

async fn visits(mut visitor: Visitor, is_over: Arc<AtomicBool>) {
    let stage = Arc::clone(&visitor.stage);
    while !is_over.load(Ordering::Relaxed) {
        let visit = stage.visit().await;
        let began = Instant::now();
        let is_hostile = visitor.random.random_range(0..100) < stage.plan.hostile_percent;
        let (kind, outcome) = if is_hostile {
            let acting = Box::pin(hostile::act(&mut visitor));
            acting.await
        } else {
            let Some(kind) = kinds::choose(&stage.plan.only, &mut visitor.random) else { return };
            let acting = Box::pin(kinds::act(kind, &mut visitor));
            let outcome = timeout(PATIENCE, acting).await;
            (kind, outcome.unwrap_or_else(|elapsed| Err(elapsed.into())))
        };
        if outcome.is_err() {
            visitor.leave();
        }
        count(&stage, &visit, kind, began, outcome);
    }
    let visit = stage.visit().await;
    let began = Instant::now();
    let outcome = visitor.end_kept_session().await;
    count(&stage, &visit, "session: end of the kept", began, outcome);
}

async fn makes(mut visitor: Visitor, is_over: Arc<AtomicBool>) {
    let stage = Arc::clone(&visitor.stage);
    while !is_over.load(Ordering::Relaxed) {
        let visit = stage.visit().await;
        let began = Instant::now();
        let outcome = Box::pin(author::goes_on(&mut visitor)).await;
        count(&stage, &visit, "make, approve, delete", began, outcome);
    }
}

/// Counts one thing that was done. A connection that is gone is wrong, unless the program was killed.
fn count(
    stage: &Stage,
    visit: &Visit<'_>,
    kind: &'static str,
    began: Instant,
    outcome: Result<()>,
) {
    let is_gone = |error: &Error| error.is::<Gone>() || error.downcast_ref::<Gone>().is_some();
    match outcome {
        Ok(()) => stage.tally.right(kind, began.elapsed()),
        Err(error) if is_gone(&error) && visit.was_killed() => stage.tally.interrupted(kind),
        Err(error) => stage.tally.wrong(kind, &format!("{error:#}")),
    }
}
