//! Whose turn it is at each exchange of a connection, so that a client that takes nothing is noticed.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio_util::task::task_tracker::TaskTrackerToken;

/// An answer is handed to the connection in parts of at most so many bytes, so that it shows
/// whether the client takes them.
const PART: usize = 64 * 1024;

/// The exchanges of one connection. Clones share them.
#[derive(Clone)]
pub(super) struct Exchanges(Arc<Mutex<State>>);

struct State {
    open: Vec<Open>,
    next: u64,
    /// When the last exchange ended, or the connection began.
    idle_since: Instant,
}

struct Open {
    number: u64,
    /// Since when a part of the answer waits for the client to take it.
    waits_since: Option<Instant>,
}

/// What is to be done about a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing; it is to be looked at again after this time.
    Well(Duration),
    /// Nothing has been asked for so long that it is to be closed.
    Idle,
    /// The client takes nothing of any answer.
    Stuck,
}

/// One request and its answer; dropping it ends it.
pub(super) struct Exchange {
    exchanges: Exchanges,
    number: u64,
}

impl Exchanges {
    pub(super) fn new() -> Self {
        let state = State { open: Vec::new(), next: 0, idle_since: Instant::now() };
        Self(Arc::new(Mutex::new(state)))
    }

    pub(super) fn begin(&self) -> Exchange {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.open.push(Open { number, waits_since: None });
        Exchange { exchanges: self.clone(), number }
    }

    /// Whether there were some, and all are answered.
    pub(super) fn are_answered(&self) -> bool {
        let state = self.state();
        state.next > 0 && state.open.is_empty()
    }

    /// How the connection is at `now`.
    pub(super) fn verdict(&self, now: Instant, patience: Duration) -> Verdict {
        let state = self.state();
        let since = |at: Instant| now.saturating_duration_since(at);
        if state.open.is_empty() {
            return match patience.checked_sub(since(state.idle_since)) {
                None | Some(Duration::ZERO) => Verdict::Idle,
                Some(left) => Verdict::Well(left),
            };
        }
        // One answer that is not taken is no reason to cut the others of the same connection.
        let all_wait = state.open.iter().map(|open| open.waits_since).collect::<Option<Vec<_>>>();
        let last = all_wait.and_then(|all_wait| all_wait.into_iter().max());
        match last.map(|at| patience.checked_sub(since(at))) {
            // It may be the client's turn at any moment.
            None => Verdict::Well(patience),
            Some(None | Some(Duration::ZERO)) => Verdict::Stuck,
            Some(Some(left)) => Verdict::Well(left),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange {
    /// Notes whether a part of the answer waits for the client.
    fn waits(&self, waits: bool) {
        let since = waits.then(Instant::now);
        let mut state = self.exchanges.state();
        if let Some(open) = state.open.iter_mut().find(|open| open.number == self.number) {
            open.waits_since = since;
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.exchanges.state();
        state.open.retain(|open| open.number != self.number);
        state.idle_since = Instant::now();
    }
}

/// The body of an answer, part by part.
pub(super) struct Answer {
    body: Body,
    rest: Bytes,
    exchange: Exchange,
    _under_way: TaskTrackerToken,
}

impl Answer {
    pub(super) fn new(body: Body, exchange: Exchange, under_way: TaskTrackerToken) -> Self {
        Self { body, rest: Bytes::new(), exchange, _under_way: under_way }
    }

    fn part(&mut self) -> Frame<Bytes> {
        self.exchange.waits(true);
        Frame::data(self.rest.split_to(self.rest.len().min(PART)))
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.exchange.waits(false);
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.part())));
        }
        let Poll::Ready(next) = Pin::new(&mut self.body).poll_frame(context) else {
            return Poll::Pending;
        };
        Poll::Ready(match next {
            Some(Ok(frame)) => Some(Ok(match frame.into_data() {
                Ok(data) => {
                    self.rest = data;
                    self.part()
                }
                Err(trailers) => trailers,
            })),
            other => other,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (body, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use tokio_util::task::TaskTracker;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn after(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[test]
    fn a_connection_is_idle_once_nothing_was_asked_for_so_long() {
        let exchanges = Exchanges::new();
        assert!(matches!(exchanges.verdict(after(29), PATIENCE), Verdict::Well(_)));
        assert_eq!(exchanges.verdict(after(31), PATIENCE), Verdict::Idle);
        let working = exchanges.begin();
        assert_eq!(exchanges.verdict(after(900), PATIENCE), Verdict::Well(PATIENCE));
        drop(working);
        assert_eq!(exchanges.verdict(after(31), PATIENCE), Verdict::Idle);
        assert!(exchanges.are_answered());
    }

    #[tokio::test]
    async fn a_part_that_nobody_takes_is_noticed_and_the_next_one_taken_is_not() {
        let exchanges = Exchanges::new();
        let body = Body::from(vec![b'x'; PART + 1]);
        let mut answer = Answer::new(body, exchanges.begin(), TaskTracker::new().token());
        assert_eq!(HttpBody::size_hint(&answer).exact(), Some(PART as u64 + 1));
        let first = answer.frame().await.expect("a part").expect("no error");
        assert_eq!(first.into_data().expect("data").len(), PART);
        assert_eq!(exchanges.verdict(after(31), PATIENCE), Verdict::Stuck);
        let working = exchanges.begin();
        assert_eq!(exchanges.verdict(after(31), PATIENCE), Verdict::Well(PATIENCE));
        drop(working);
        assert_eq!(HttpBody::size_hint(&answer).exact(), Some(1));
        assert_eq!(answer.frame().await.expect("a part").unwrap().into_data().unwrap().len(), 1);
        assert!(answer.is_end_stream());
        assert!(answer.frame().await.is_none());
        assert_eq!(exchanges.verdict(after(31), PATIENCE), Verdict::Well(PATIENCE));
    }
}
