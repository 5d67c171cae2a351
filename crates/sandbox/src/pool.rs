//! Which worker takes which call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::call::{self, Ending};
use crate::host::Host;
use crate::limits::Limits;
use crate::link::{Link, Seat};
use crate::outcome::{Failure, FailureKind};
use crate::protocol::{CALLS_PER_WORKER, Readiness, TASK_MAX, Task, ToWorker};
use crate::text;

/// How long a call waits for a place before it is turned away.
const QUEUE_WAIT: Duration = Duration::from_secs(10);

/// The workers that take calls now.
pub(crate) struct Pool {
    workers: usize,
    links: Mutex<Vec<Arc<Link>>>,
    /// What the worker that started last said of itself.
    readiness: Mutex<Option<Readiness>>,
    /// One permit per place, so that calls get them in the order they came.
    places: Semaphore,
    /// Told when a worker has come or a call has ended.
    freed: Arc<Notify>,
}

impl Pool {
    pub(crate) fn new(workers: usize) -> Self {
        let places = Semaphore::new(workers.saturating_mul(CALLS_PER_WORKER));
        let freed = Arc::new(Notify::new());
        Self { workers, links: Mutex::default(), readiness: Mutex::default(), places, freed }
    }

    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// How many workers take calls, and how many calls they carry.
    pub(crate) fn load(&self) -> (usize, usize) {
        let links = self.links();
        (links.len(), links.iter().map(|link| link.load()).sum())
    }

    /// Remembers what a worker that is ready says of itself.
    pub(crate) fn note(&self, readiness: Readiness) {
        *self.readiness.lock().unwrap_or_else(PoisonError::into_inner) = Some(readiness);
    }

    /// What the worker that started last said of itself.
    pub(crate) fn readiness(&self) -> Option<Readiness> {
        self.readiness.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds a worker that is ready.
    pub(crate) fn add(&self, process: u32, outgoing: mpsc::UnboundedSender<ToWorker>) -> Arc<Link> {
        let link = Arc::new(Link::new(process, outgoing, Arc::clone(&self.freed)));
        self.links().push(Arc::clone(&link));
        self.freed.notify_waiters();
        link
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
