//! Load on the real program: many connections of mixed traffic with hostile requests among it, a kill in the middle, and what memory is left.

mod author;
mod connection;
mod hostile;
mod kept;
mod kinds;
mod memory;
mod message;
mod places;
mod report;
mod stage;
mod tally;
mod tools;
mod traffic;
mod visitor;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::time::{Duration, sleep};

pub use memory::Memory;
pub use report::Report;
use stage::Stage;
use traffic::Traffic;
use visitor::Visitor;

/// Seconds in which the program gives back what it needs no more: for ten an answer waits for a client that may come
/// back, and two of its own looks at what is free are a little less than eleven apart.
const SETTLING: u32 = 22;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Connections at once.
    pub connections: u64,
    /// Seconds of traffic, of one wave where there are waves.
    pub seconds: u64,
    /// How much is done after the kill before memory is first measured, so that what is kept lies as scattered as it will.
    pub warm_up: usize,
    /// Of a hundred things done, how many are hostile.
    pub hostile_percent: u32,
    /// Calls that the program runs at once; all of these places are filled before memory is measured.
    pub places: usize,
    /// Tools that only make the lists long.
    pub listed: usize,
    /// Kinds of traffic by how their names begin; all of them where there is none.
    pub only: Vec<String>,
    /// The same seed asks the same in the same order, as far as the clock lets it.
    pub seed: u64,
}

impl Plan {
    /// The whole load.
    pub fn of_seconds(seconds: u64) -> Self {
        Self {
            connections: 200,
            seconds,
            warm_up: 24_000,
            hostile_percent: 5,
            places: 512,
            listed: 500,
            only: Vec::new(),
            seed: 1,
        }
    }

    /// A few seconds of it, with fewer places to fill.
    pub fn short() -> Self {
        Self { warm_up: 0, places: 64, ..Self::of_seconds(5) }
    }
}

/// Puts the load on a program of its own and kills it in the middle.
///
/// # Errors
/// Where something could not be set up, or was lost by the kill.
pub fn run(plan: Plan) -> Result<Report> {
    within(async |directory| {
        let (stage, mut keeper) = begin(plan, directory).await?;
        let half = Duration::from_secs(stage.plan.seconds) / 2;
        let traffic = Traffic::begin(&stage);
        sleep(half).await;
        stage.kill().await?;
        stage.restart();
        let found = kept::check(&stage, &mut keeper).await.context("after the kill")?;
        places::fill(&stage).await?;
        stage.open();
        // What one process has left behind is seen in that process alone.
        let warm = stage.tally.sums().0 + stage.plan.warm_up;
        while stage.tally.sums().0 < warm {
            sleep(Duration::from_millis(50)).await;
        }
        traffic.end().await?;
        let start = measure(&stage, &mut keeper).await?;
        let mut traffic = Traffic::begin(&stage);
        traffic.stall(&stage, half);
        sleep(half).await;
        traffic.end().await?;
        let end = measure(&stage, &mut keeper).await?;
        kept::check(&stage, &mut keeper).await.context("at the end")?;
        Report::of(&stage, start, end, found)
    })
}

/// Puts the load on a program in waves and tells its memory after each, without a kill: which kind of traffic
/// leaves something behind?
///
/// # Errors
/// Where something could not be set up.
pub fn waves(plan: Plan, count: u32, mut tell: impl FnMut(u32, Memory)) -> Result<Report> {
    within(async |directory| {
        let (stage, mut keeper) = begin(plan, directory).await?;
        let start = measure(&stage, &mut keeper).await?;
        tell(0, start);
        let mut end = start;
        for wave in 1..=count {
            let traffic = Traffic::begin(&stage);
            sleep(Duration::from_secs(stage.plan.seconds)).await;
            traffic.end().await?;
            end = measure(&stage, &mut keeper).await?;
            tell(wave, end);
        }
        Report::of(&stage, start, end, String::new())
    })
}

fn within<T>(work: impl AsyncFnOnce(&std::path::Path) -> Result<T>) -> Result<T> {
    let directory = tempfile::tempdir().context("a directory for the data")?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(work(directory.path()))
}

async fn begin(plan: Plan, directory: &std::path::Path) -> Result<(Arc<Stage>, Visitor)> {
    let stage = tokio::task::block_in_place(|| Stage::begin(plan, directory));
    let stage = Arc::new(stage);
    let mut keeper = Visitor::new(&stage, 0);
    author::begin(&mut keeper).await?;
    Ok((stage, keeper))
}

/// Fills all places, waits until nothing is under way any more, and looks.
async fn measure(stage: &Arc<Stage>, keeper: &mut Visitor) -> Result<Memory> {
    places::fill(stage).await?;
    keeper.leave();
    author::idle(stage, keeper).await?;
    settled(stage).await
}

/// The least that memory comes down to within a while in which nothing is asked.
async fn settled(stage: &Stage) -> Result<Memory> {
    let mut least = stage.memory()?;
    for _ in 0..SETTLING {
        sleep(Duration::from_secs(1)).await;
        least = least.least(stage.memory()?);
    }
    Ok(least)
}
