//! Which call gets a place, and on which worker.

mod refusals;

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::call::{self, Ending, Order};
use crate::host::Host;
use crate::limits::Bounds;
use crate::link::{Letters, Link, Seat};
use crate::memory::MemoryReport;
use crate::outcome::Failure;
use crate::protocol::{Load, Readiness, Share, TASK_MAX};
use crate::queue::Queue;
use crate::text;
use crate::walls::Walls;

/// How long a call waits for a place before it is turned away.
const QUEUE_WAIT: Duration = Duration::from_secs(10);

/// The workers that take calls now, and the calls that wait for them.
pub(crate) struct Pool {
    workers: usize,
    share: Share,
    lost: AtomicU64,
    renewed: AtomicU64,
    state: Mutex<State>,
}

struct State {
    links: Vec<Arc<Link>>,
    queue: Queue<oneshot::Sender<Seat>>,
    closed: bool,
}

/// How many there are of what.
pub(crate) struct Counts {
    pub(crate) ready: usize,
    pub(crate) running: usize,
    pub(crate) asking: usize,
    pub(crate) waiting: usize,
    pub(crate) memory: usize,
    pub(crate) lost: u64,
    pub(crate) renewed: u64,
}

impl Pool {
    pub(crate) fn new(workers: usize, bounds: Bounds) -> Self {
        let of = bounds.memory_bytes;
        let share = Share { bytes: of.checked_div(workers).unwrap_or(of), of };
        let queue = Queue::new(bounds);
        Self {
            workers,
            share,
            lost: AtomicU64::new(0),
            renewed: AtomicU64::new(0),
            state: Mutex::new(State { links: Vec::new(), queue, closed: false }),
        }
    }

    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    pub(crate) fn bounds(&self) -> Bounds {
        *self.state().queue.bounds()
    }

    /// The memory that the calls of each worker may hold.
    pub(crate) fn share(&self) -> Share {
        self.share
    }

    /// How many workers take calls, and what the calls are about.
    pub(crate) fn counts(&self) -> Counts {
        let state = self.state();
        Counts {
            ready: state.links.len(),
            running: state.queue.running(),
            asking: state.queue.asking(),
            waiting: state.queue.waiting(),
            memory: state.links.iter().map(|link| link.memory()).sum(),
            lost: self.lost.load(Ordering::Relaxed),
            renewed: self.renewed.load(Ordering::Relaxed),
        }
    }

    /// Notes that a worker ended that was to go on, and is replaced.
    pub(crate) fn note_lost(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a worker had taken its calls, and is replaced.
    pub(crate) fn note_renewed(&self) {
        self.renewed.fetch_add(1, Ordering::Relaxed);
    }

    /// What keeps the workers in, of each wall the worst; `None` while there is no worker.
    pub(crate) fn walls(&self) -> Option<Walls> {
        let state = self.state();
        state.links.iter().map(|link| link.readiness.walls.clone()).reduce(Walls::or_worse)
    }

    /// How the workers reset memory; `None` while there is no worker.
    pub(crate) fn memory(&self) -> Option<MemoryReport> {
        self.state().links.first().map(|link| link.readiness.memory.clone())
    }

    /// Adds a worker that is ready, for `calls_most` calls; sets of packages go through `socket`.
    pub(crate) fn add(
        self: &Arc<Self>,
        process: u32,
        readiness: Readiness,
        calls_most: u64,
        socket: Option<UnixStream>,
    ) -> (Arc<Link>, Letters) {
        let (mut link, letters) = Link::new(process, readiness, calls_most, self.share.bytes);
        link.set_socket(socket);
        let link = Arc::new(link);
        self.state().links.push(Arc::clone(&link));
        self.serve_waiting();
        (link, letters)
    }

    /// Removes a worker that is lost; its calls learn of it.
    pub(crate) fn remove(&self, lost: &Arc<Link>) {
        self.state().links.retain(|link| !Arc::ptr_eq(link, lost));
        lost.close();
    }

    /// Takes note of what a worker tells about itself.
    pub(crate) fn loaded(self: &Arc<Self>, link: &Link, load: Load) {
        link.loaded(load);
        self.serve_waiting();
    }

    /// Takes no more calls and ends those under way.
    pub(crate) fn close(&self) {
        let links = {
            let mut state = self.state();
            state.closed = true;
            state.queue.clear();
            std::mem::take(&mut state.links)
        };
        for link in links {
            link.close();
        }
    }

    /// Carries out `order` on the worker that has the least to do, once there is a place for its group.
    pub(crate) async fn call(
        self: &Arc<Self>,
        group: Uuid,
        mut order: Order,
        host: Arc<dyn Host>,
    ) -> Ending {
        let length = order.task.length();
        if length > TASK_MAX {
            return Ending::refused(refusals::too_long(length));
        }
        let deadline = Instant::now() + QUEUE_WAIT;
        loop {
            let seat = match self.place(group, deadline).await {
                Ok(seat) => seat,
                Err(failure) => return Ending::refused(failure),
            };
            match call::drive(seat, order, Arc::clone(&host)).await {
                Ok(ending) => return ending,
                Err(handed_back) => order = handed_back,
            }
        }
    }

    async fn place(self: &Arc<Self>, group: Uuid, deadline: Instant) -> Result<Seat, Failure> {
        let (waiting, seat) = {
            let mut state = self.state();
            if state.closed {
                return Err(refusals::stopped());
            }
            if state.queue.waiting() == 0
                && state.queue.may_begin(group)
                && let Some(seat) = self.seat(&mut state, group)
            {
                return Ok(seat);
            }
            let (waker, seat) = oneshot::channel();
            let Some(ticket) = state.queue.wait(group, waker) else {
                return Err(refusals::busy(&state.queue, group, "no more can wait"));
            };
            (Waiting { pool: self, group, ticket }, seat)
        };
        self.serve_waiting();
        let seat = timeout_at(deadline, seat).await;
        drop(waiting);
        match seat {
            Ok(Ok(seat)) => Ok(seat),
            Ok(Err(_closed)) => Err(refusals::stopped()),
            Err(_elapsed) => {
                let waited = format!("no place came free within {}", text::duration(QUEUE_WAIT));
                Err(refusals::busy(&self.state().queue, group, &waited))
            }
        }
    }

    /// A place on the worker that has the least to do; `None` where none has room.
    fn seat(self: &Arc<Self>, state: &mut State, group: Uuid) -> Option<Seat> {
        let burdens = state.links.iter().filter_map(|link| Some((link.burden()?, link)));
        let (_, link) = burdens.min_by_key(|(burden, _)| *burden)?;
        let seat = link.seat(self, group)?;
        state.queue.begin(group);
        Some(seat)
    }

    /// Gives places to calls that wait, as long as there are both.
    pub(crate) fn serve_waiting(self: &Arc<Self>) {
        let mut unwanted = Vec::new();
        {
            let mut state = self.state();
            while let Some(group) = state.queue.next_group()
                && let Some(seat) = self.seat(&mut state, group)
            {
                let Some(waker) = state.queue.take(group) else {
                    unwanted.push(seat);
                    break;
                };
                unwanted.extend(waker.send(seat).err());
            }
        }
        // Leaving a place takes the lock that is free only now.
        drop(unwanted);
    }

    /// Notes that a call of `group` waits for its client, unless as many do as may.
    pub(crate) fn begin_asking(&self, group: Uuid) -> Result<(), String> {
        let mut state = self.state();
        if state.queue.begin_asking(group) {
            return Ok(());
        }
        Err(refusals::asking(&state.queue, group))
    }

    /// Notes that a call of `group` no longer waits for its client.
    pub(crate) fn end_asking(&self, group: Uuid) {
        self.state().queue.end_asking(group);
    }

    /// Notes that a call of `group` has left its place.
    pub(crate) fn left(self: &Arc<Self>, group: Uuid) {
        let any_waits = {
            let mut state = self.state();
            state.queue.end(group);
            state.queue.waiting() > 0
        };
        if any_waits {
            self.serve_waiting();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Lists and counts are whole after every statement, so a panic elsewhere does not spoil them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call's place in the queue; dropping it leaves the queue.
struct Waiting<'a> {
    pool: &'a Pool,
    group: Uuid,
    ticket: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.pool.state().queue.leave(self.group, self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::Instant;
    use uuid::Uuid;

    use super::{Link, Pool, Seat};
    use crate::limits::Bounds;
    use crate::outcome::{Failure, FailureKind};
    use crate::protocol::Load;
    use crate::protocol::tests::readiness;

    const GROUP: Uuid = Uuid::from_u128(1);

    fn add(pool: &Arc<Pool>, process: u32) -> Arc<Link> {
        pool.add(process, readiness(), u64::MAX, None).0
    }

    async fn place(pool: &Arc<Pool>) -> Result<Seat, Failure> {
        pool.place(GROUP, Instant::now() + Duration::from_millis(50)).await
    }

    #[tokio::test]
    async fn a_call_goes_where_least_is_after_the_processor() {
        let pool = Arc::new(Pool::new(2, Bounds::default()));
        let links = [add(&pool, 1), add(&pool, 2)];
        let looping = place(&pool).await.expect("there is a place");
        assert_eq!(looping.process(), 1);
        let others = [place(&pool).await, place(&pool).await];
        let others = others.map(|seat| seat.expect("there is a place"));
        assert_eq!(others.each_ref().map(Seat::process), [2, 1], "nothing is known of them yet");
        pool.loaded(&links[0], Load { seen: 9, runnable: 1, grown: 0 });
        pool.loaded(&links[1], Load { seen: 9, runnable: 0, grown: 0 });
        let idle = [place(&pool).await.expect("there is a place")];
        pool.loaded(&links[1], Load { seen: 9, runnable: 0, grown: 0 });
        let more = [place(&pool).await.expect("there is a place")];
        assert_eq!([&idle[0], &more[0]].map(Seat::process), [2, 2], "one loops on the first");
        pool.loaded(&links[0], Load { seen: 9, runnable: 0, grown: 0 });
        assert_eq!(place(&pool).await.expect("there is a place").process(), 1, "fewer wait there");
    }

    #[tokio::test]
    async fn a_worker_whose_memory_is_used_up_gets_no_call_until_some_is_free() {
        let bounds = Bounds { memory_bytes: 64 << 20, ..Bounds::default() };
        let pool = Arc::new(Pool::new(1, bounds));
        let link = add(&pool, 1);
        let first = place(&pool).await.expect("there is a place");
        pool.loaded(&link, Load { seen: 1, runnable: 0, grown: 61 << 20 });
        let refused = place(&pool).await.map(drop).expect_err("there is no memory");
        assert_eq!(refused.kind, FailureKind::Busy);
        assert_eq!(pool.counts().memory, 63 << 20);
        pool.loaded(&link, Load { seen: 1, runnable: 0, grown: 60 << 20 });
        let second = place(&pool).await.expect("it fits exactly");
        second.turned_away();
        assert!(place(&pool).await.is_err(), "the worker knows better");
        drop(first);
        assert!(place(&pool).await.is_ok());
        pool.loaded(&link, Load { seen: 1, runnable: 0, grown: 600 << 20 });
        assert!(place(&pool).await.is_ok(), "the first call has room in any case");
        assert_eq!((pool.counts().running, pool.counts().waiting), (0, 0));
    }

    #[tokio::test]
    async fn places_are_given_up_to_the_bound_and_again_when_one_is_left() {
        let bounds = Bounds { calls: 2, waiting: 1, ..Bounds::default() };
        let pool = Arc::new(Pool::new(1, bounds));
        let _link = add(&pool, 1);
        let (first, _second) =
            (place(&pool).await.expect("a place"), place(&pool).await.expect("two"));
        let waiting = {
            let pool = Arc::clone(&pool);
            tokio::spawn(
                async move { pool.place(GROUP, Instant::now() + Duration::from_mins(1)).await },
            )
        };
        while pool.counts().waiting == 0 {
            tokio::task::yield_now().await;
        }
        let refused = place(&pool).await.map(drop).expect_err("nobody more can wait");
        assert!(refused.message.contains("no more can wait"), "{refused}");
        drop(first);
        let third = waiting.await.expect("it ends").expect("the place that was left");
        assert_eq!((pool.counts().running, pool.counts().waiting), (2, 0));
        pool.close();
        assert_eq!(place(&pool).await.map(drop).expect_err("closed").kind, FailureKind::Cancelled);
        drop(third);
    }
}
