//! Which worker takes which call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::call::{self, Ending};
use crate::host::Host;
use crate::limits::Limits;
use crate::link::{Letters, Link, Seat};
use crate::memory::MemoryReport;
use crate::outcome::{Failure, FailureKind};
use crate::protocol::{CALLS_PER_WORKER, Readiness, TASK_MAX, Task};
use crate::text;
use crate::walls::Walls;

/// How long a call waits for a place before it is turned away.
const QUEUE_WAIT: Duration = Duration::from_secs(10);

/// The workers that take calls now.
pub(crate) struct Pool {
    workers: usize,
    links: Mutex<Vec<Arc<Link>>>,
    /// One permit per place, so that calls get them in the order they came.
    places: Semaphore,
    /// Told when a worker has come or a call has ended.
    freed: Arc<Notify>,
}

impl Pool {
    pub(crate) fn new(workers: usize) -> Self {
        let places = Semaphore::new(workers.saturating_mul(CALLS_PER_WORKER));
        let freed = Arc::new(Notify::new());
        Self { workers, links: Mutex::default(), places, freed }
    }

    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// How many workers take calls, and how many calls they carry.
    pub(crate) fn load(&self) -> (usize, usize) {
        let links = self.links();
        (links.len(), links.iter().map(|link| link.load()).sum())
    }

    /// What keeps the workers in, of each wall the worst; `None` while there is no worker.
    pub(crate) fn walls(&self) -> Option<Walls> {
        self.links().iter().map(|link| link.readiness.walls.clone()).reduce(Walls::or_worse)
    }

    /// How the workers reset memory; `None` while there is no worker.
    pub(crate) fn memory(&self) -> Option<MemoryReport> {
        self.links().first().map(|link| link.readiness.memory.clone())
    }

    /// Adds a worker that is ready, for `calls_most` calls.
    pub(crate) fn add(
        &self,
        process: u32,
        readiness: Readiness,
        calls_most: u64,
    ) -> (Arc<Link>, Letters) {
        let (link, letters) = Link::new(process, readiness, calls_most, Arc::clone(&self.freed));
        let link = Arc::new(link);
        self.links().push(Arc::clone(&link));
        self.freed.notify_waiters();
        (link, letters)
    }

    /// Removes a worker that is lost; its calls learn of it.
    pub(crate) fn remove(&self, lost: &Arc<Link>) {
        self.links().retain(|link| !Arc::ptr_eq(link, lost));
        lost.close();
    }

    /// Takes no more calls and ends those under way.
    pub(crate) fn close(&self) {
        self.places.close();
        for link in self.links().drain(..) {
            link.close();
        }
        self.freed.notify_waiters();
    }

    /// Runs `task` on the worker that carries the fewest calls.
    pub(crate) async fn call(&self, task: Task, limits: Limits, host: Arc<dyn Host>) -> Ending {
        if task.length() > TASK_MAX {
            return Ending::refused(too_long(task.length()));
        }
        let deadline = Instant::now() + QUEUE_WAIT;
        let Ok(permit) = timeout_at(deadline, self.places.acquire()).await else {
            return Ending::refused(self.busy());
        };
        let Ok(_permit) = permit else { return Ending::refused(stopped()) };
        let seat = match timeout_at(deadline, self.seat()).await {
            Ok(Ok(seat)) => seat,
            Ok(Err(failure)) => return Ending::refused(failure),
            Err(_elapsed) => return Ending::refused(self.busy()),
        };
        // A task of its own is polled whatever the caller does meanwhile; dropping the set ends it.
        let mut driver = JoinSet::new();
        driver.spawn(call::drive(seat, task, limits, host));
        match driver.join_next().await {
            Some(Ok(ending)) => ending,
            Some(Err(_)) | None => Ending::refused(Failure::new(
                FailureKind::Cancelled,
                "the call was given up because the server is stopping",
            )),
        }
    }

    async fn seat(&self) -> Result<Seat, Failure> {
        loop {
            let freed = self.freed.notified();
            if self.places.is_closed() {
                return Err(stopped());
            }
            let mut links = self.links().clone();
            links.sort_by_key(|link| link.load());
            if let Some(seat) = links.iter().find_map(Link::seat) {
                return Ok(seat);
            }
            freed.await;
        }
    }

    fn busy(&self) -> Failure {
        let (ready, running) = self.load();
        let message = format!(
            "the sandbox is busy ({running} calls in {ready} of {} workers): try again in a few seconds",
            self.workers
        );
        Failure::new(FailureKind::Busy, message)
    }

    fn links(&self) -> MutexGuard<'_, Vec<Arc<Link>>> {
        // A list of links is whole after every statement, so a panic elsewhere does not spoil it.
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn too_long(length: usize) -> Failure {
    let message = format!(
        "source and arguments are {} together, the most is {}: pass less at a time",
        text::size(length),
        text::size(TASK_MAX)
    );
    Failure::new(FailureKind::Arguments, message)
}

fn stopped() -> Failure {
    Failure::new(FailureKind::Cancelled, "the sandbox is stopping: call again once it is back")
}
