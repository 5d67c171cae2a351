//! Runs the calls of this worker, one slice of one call at a time, in the order of their turns.

use std::collections::{BTreeSet, HashMap};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::task::AtomicWaker;
use tokio::time::Instant;
use uuid::Uuid;

use super::meter::Meter;
use super::turns::Turns;
use crate::clock::Clock;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The calls under way. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Runner {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Who runs [`Runner::run`].
    waker: AtomicWaker,
}

#[derive(Default)]
struct State {
    turns: Turns,
    calls: HashMap<u64, Call>,
    /// When calls are to be ended, however many others are in line; not later than their clocks say.
    deadlines: BTreeSet<(Instant, u64)>,
    last: u64,
}

struct Call {
    group: Uuid,
    clock: Clock,
    /// Its place among the deadlines.
    deadline: Instant,
    meter: Meter,
    /// Absent while it is polled.
    work: Option<Work>,
    waker: Waker,
    /// Whether it waits for its turn.
    in_line: bool,
}

/// To whom a call belongs, and until when it may go on.
pub(super) struct Terms {
    pub(super) call: u64,
    pub(super) group: Uuid,
    /// What the call does with the processor counts here.
    pub(super) meter: Meter,
    /// Once its time is up, the call is polled before all others; it is to end then.
    pub(super) clock: Clock,
}

/// How things stand after a slice, or once there is nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// The last call that was added.
    pub(super) last: u64,
    /// How many calls are under way.
    pub(super) calls: usize,
    /// How many of them can make use of the processor.
    pub(super) runnable: usize,
    /// What the slice took.
    pub(super) slice: Duration,
}

impl Runner {
    /// Takes up a call.
    pub(super) fn add(&self, terms: Terms, work: impl Future<Output = ()> + Send + 'static) {
        let Terms { call, group, meter, clock } = terms;
        let deadline = clock.deadline();
        let waker = Waker::from(Arc::new(Alarm { call, shared: Arc::clone(&self.shared) }));
        let work = Some::<Work>(Box::pin(work));
        let mut state = self.shared.state();
        state.last = call;
        state.turns.join(group);
        state.turns.put(group, call);
        state.deadlines.insert((deadline, call));
        state
            .calls
            .insert(call, Call { group, clock, deadline, meter, work, waker, in_line: true });
        drop(state);
        self.shared.waker.wake();
    }

    /// Drops a call that nobody waits for any more.
    pub(super) fn remove(&self, call: u64) {
        let removed = self.shared.state().remove(call);
        // Its instance ends outside of the lock: others may be woken by that.
        drop(removed);
        self.shared.waker.wake();
    }

    /// Runs calls for ever, and tells after every slice how things stand.
    ///
    /// Between two slices all other tasks of the thread get their turn.
    pub(super) async fn run(self, mut after_slice: impl FnMut(Standing)) {
        poll_fn(|context| {
            self.shared.waker.register(context.waker());
            let slice = self.shared.slice();
            let standing = {
                let mut state = self.shared.state();
                state.hurry_overdue();
                state.standing(slice.unwrap_or_default())
            };
            after_slice(standing);
            if standing.runnable > 0 {
                context.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        })
        .await;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls the call whose turn it is, and tells how long that took.
    fn slice(&self) -> Option<Duration> {
        let (call, group, mut work, meter, waker) = self.state().next()?;
        let before = meter.spent();
        let polled = meter.measure(|| work.as_mut().poll(&mut Context::from_waker(&waker)));
        let mut state = self.state();
        let ended = match (polled, state.calls.get_mut(&call)) {
            (Poll::Pending, Some(waiting)) => {
                waiting.work = Some(work);
                None
            }
            (Poll::Pending | Poll::Ready(()), _) => Some((work, state.remove(call))),
        };
        drop(state);
        // To make its memory new again is a part of what the call costs.
        meter.measure(|| drop(ended));
        let spent = meter.spent().saturating_sub(before);
        self.state().turns.served(group, spent);
        Some(spent)
    }
}

impl State {
    fn next(&mut self) -> Option<(u64, Uuid, Work, Meter, Waker)> {
        loop {
            let (group, number) = self.turns.next()?;
            if let Some(call) = self.calls.get_mut(&number)
                && let Some(work) = call.work.take()
            {
                call.in_line = false;
                return Some((number, group, work, call.meter.clone(), call.waker.clone()));
            }
            self.turns.served(group, Duration::ZERO);
        }
    }

    fn remove(&mut self, call: u64) -> Option<Call> {
        let removed = self.calls.remove(&call)?;
        self.deadlines.remove(&(removed.deadline, call));
        self.turns.leave(removed.group, call);
        Some(removed)
    }

    fn hurry_overdue(&mut self) {
        if self.deadlines.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some((deadline, number)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.deadlines.pop_first();
            let Some(call) = self.calls.get_mut(&number) else { continue };
            let deadline = call.clock.deadline();
            if deadline > now {
                call.deadline = deadline;
                self.deadlines.insert((deadline, number));
            } else {
                call.in_line = true;
                self.turns.hurry(call.group, number);
            }
        }
    }

    fn standing(&self, slice: Duration) -> Standing {
        let (calls, runnable) = (self.calls.len(), self.turns.runnable());
        Standing { last: self.last, calls, runnable, slice }
    }
}

/// Puts its call in line when it is woken.
struct Alarm {
    call: u64,
    shared: Arc<Shared>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.shared.state();
        let State { turns, calls, .. } = &mut *state;
        let Some(call) = calls.get_mut(&self.call) else { return };
        if std::mem::replace(&mut call.in_line, true) {
            return;
        }
        turns.put(call.group, self.call);
        drop(state);
        self.shared.waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::task::Poll;
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::task::yield_now;
    use uuid::Uuid;

    use super::{Clock, Runner, Terms};
    use crate::system::thread_cpu_time;
    use crate::worker::meter::Meter;

    const A: Uuid = Uuid::from_u128(1);
    const B: Uuid = Uuid::from_u128(2);

    fn terms(call: u64, group: Uuid) -> Terms {
        let clock = Clock::new(Duration::from_hours(1));
        Terms { call, group, meter: Meter::default(), clock }
    }

    /// Loops for ever in slices of a millisecond, and counts them.
    async fn spin(slices: Arc<AtomicUsize>) {
        loop {
            work(Duration::from_millis(1));
            slices.fetch_add(1, Ordering::SeqCst);
            end_of_slice().await;
        }
    }

    /// As a guest at a tick: at once in line again.
    async fn end_of_slice() {
        let mut ended = false;
        poll_fn(|context| {
            if std::mem::replace(&mut ended, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    fn work(time: Duration) {
        let end = thread_cpu_time() + time;
        while thread_cpu_time() < end {}
    }

    #[tokio::test]
    async fn a_call_gets_its_part_beside_many_loops_of_another_group() {
        let runner = Runner::default();
        let counts: [Arc<AtomicUsize>; 2] = std::array::from_fn(|_| Arc::default());
        for call in 0..50 {
            runner.add(terms(call, A), spin(Arc::clone(&counts[0])));
        }
        let running = tokio::spawn(runner.clone().run(|_| {}));
        while counts[0].load(Ordering::SeqCst) < 100 {
            yield_now().await;
        }
        let before = counts[0].load(Ordering::SeqCst);
        let (done, ended) = oneshot::channel();
        let own = Arc::clone(&counts[1]);
        let terms = terms(50, B);
        let meter = terms.meter.clone();
        runner.add(terms, async move {
            for _ in 0..20 {
                work(Duration::from_millis(1));
                own.fetch_add(1, Ordering::SeqCst);
                end_of_slice().await;
            }
            done.send(()).expect("it is waited for");
        });
        ended.await.expect("it comes to its end");
        let others = counts[0].load(Ordering::SeqCst) - before;
        assert_eq!(counts[1].load(Ordering::SeqCst), 20);
        assert!((10..=40).contains(&others), "about one slice of the others for each: {others}");
        assert!(meter.spent() >= Duration::from_millis(20), "{:?}", meter.spent());
        running.abort();
    }

    #[tokio::test]
    async fn a_call_that_is_overdue_is_polled_before_all_others() {
        let runner = Runner::default();
        let slices = Arc::<AtomicUsize>::default();
        for call in 0..100 {
            runner.add(terms(call, A), spin(Arc::clone(&slices)));
        }
        let running = tokio::spawn(runner.clone().run(|_| {}));
        while slices.load(Ordering::SeqCst) < 10 {
            yield_now().await;
        }
        let meanwhile = async |limit| {
            let before = slices.load(Ordering::SeqCst);
            let (done, ended) = oneshot::channel();
            let count = Arc::clone(&slices);
            runner.add(Terms { clock: Clock::new(limit), ..terms(100, A) }, async move {
                done.send(count.load(Ordering::SeqCst)).expect("it is waited for");
            });
            ended.await.expect("it is polled") - before
        };
        let late = meanwhile(Duration::ZERO).await;
        assert!(late <= 2, "{late}");
        let in_line = meanwhile(Duration::from_hours(1)).await;
        assert!(in_line >= 99, "{in_line}");
        running.abort();
    }

    #[tokio::test]
    async fn what_is_woken_goes_on_and_what_is_removed_is_dropped() {
        let runner = Runner::default();
        let told = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&told);
        let running = tokio::spawn(runner.clone().run(move |standing| {
            seen.store(standing.last * 100 + standing.calls as u64, Ordering::SeqCst);
        }));
        let (waker, woken) = oneshot::channel::<u32>();
        let (done, ended) = oneshot::channel();
        runner.add(terms(1, A), async move {
            done.send(woken.await).expect("it is waited for");
        });
        let (kept, dropped) = oneshot::channel::<()>();
        runner.add(terms(2, A), async move {
            let _kept = kept;
            std::future::pending::<()>().await;
        });
        while told.load(Ordering::SeqCst) != 202 {
            yield_now().await;
        }
        waker.send(7).expect("it waits");
        assert_eq!(ended.await, Ok(Ok(7)));
        runner.remove(2);
        assert!(dropped.await.is_err());
        while told.load(Ordering::SeqCst) != 200 {
            yield_now().await;
        }
        running.abort();
    }
}
