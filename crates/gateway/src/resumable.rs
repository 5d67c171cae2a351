//! Answers as streams that a session's client can come back to: whoever lost the connection names the last event that
//! arrived (`Last-Event-ID`) and hears the rest.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use app::metrics;
use axum::body::Bytes;
use axum::response::Response;
use futures::{StreamExt as _, stream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::events;
use crate::exchange::{Exchange, Part};
use crate::running::PATIENCE;
use crate::session::Session;

/// How many events wait for a client that is away or reads slowly, before the request waits itself.
const AHEAD_MAX: usize = 64;

/// Bytes of events that are kept after they went out, as they may not have arrived. The last event is kept
/// whatever its size.
const KEPT_BYTES: usize = 256 * 1024;

/// How many answers a session can come back to; of more, the oldest are forgotten that nobody reads.
const ANSWERS_MAX: usize = 32;

/// The answers of a session.
#[derive(Default)]
pub(crate) struct Answers {
    all: Mutex<VecDeque<Arc<Answer>>>,
    next: AtomicU64,
}

/// An answer that is made.
struct Answer {
    number: u64,
    state: watch::Sender<State>,
    /// Cancelled when its client stays away.
    given_up: CancellationToken,
}

/// How far it has come.
#[derive(Default)]
struct State {
    /// Events that can still be read, in their order.
    events: VecDeque<Bytes>,
    /// The number of the first of them; the first of all is 1.
    first: u64,
    /// The number of the event that is read next.
    next: u64,
    /// Which of its readers hears it: the newest.
    reader: u64,
    is_read: bool,
    has_ended: bool,
}

impl State {
    /// The number behind the last event.
    fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    fn has_room(&self) -> bool {
        self.end().saturating_sub(self.next) < AHEAD_MAX as u64
    }

    /// Forgets what was read as far as it takes up too much.
    fn trim(&mut self) {
        let mut bytes: usize = self.events.iter().map(Bytes::len).sum();
        while bytes > KEPT_BYTES && self.first + 1 < self.next {
            let Some(oldest) = self.events.pop_front() else { return };
            bytes -= oldest.len();
            self.first += 1;
        }
    }
}

impl Answers {
    /// Makes the answer to a request a stream; `first` is its first message.
    pub(crate) fn begin(
        session: &Arc<Session>,
        exchange: Exchange,
        first: Option<String>,
    ) -> Response {
        let answers = &session.answers;
        let number = answers.next.fetch_add(1, Ordering::Relaxed) + 1;
        let state = State { first: 1, next: 1, ..State::default() };
        let (state, given_up) = (watch::Sender::new(state), CancellationToken::new());
        let answer = Arc::new(Answer { number, state, given_up });
        if let Some(first) = first {
            answer.add(&first);
        }
        answers.keep(Arc::clone(&answer));
        let open = exchange.server.app.metrics().stream(metrics::Stream::Answer);
        drop(tokio::spawn(make(exchange, Arc::clone(&answer))));
        Reader::new(session, answer, 1, open).response()
    }

    /// Goes on behind an event that a client names; nothing where that is none of this session and process, or was
    /// forgotten.
    pub(crate) fn resume(
        session: &Arc<Session>,
        last: &str,
        metrics: &metrics::Metrics,
    ) -> Option<Response> {
        let (number, event) = last.split_once('-')?;
        let (number, event) = (number.parse::<u64>().ok()?, event.parse::<u64>().ok()?);
        let found = session.answers.all().iter().find(|answer| answer.number == number).cloned()?;
        let next = event.checked_add(1)?;
        {
            let state = found.state.borrow();
            if !(state.first..=state.end()).contains(&next) {
                return None;
            }
        }
        let open = metrics.stream(metrics::Stream::Answer);
        Some(Reader::new(session, found, next, open).response())
    }

    fn keep(&self, answer: Arc<Answer>) {
        let mut all = self.all();
        all.push_back(answer);
        if all.len() > ANSWERS_MAX {
            let idle = all.iter().position(|answer| !answer.state.borrow().is_read);
            if let Some(forgotten) = idle.and_then(|index| all.remove(index)) {
                forgotten.given_up.cancel();
            }
        }
    }

    fn forget(&self, number: u64) {
        self.all().retain(|answer| answer.number != number);
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Arc<Answer>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes what comes of a request, until its end or until nobody waits for it.
async fn make(mut exchange: Exchange, answer: Arc<Answer>) {
    let mut state = answer.state.subscribe();
    loop {
        let part = tokio::select! {
            part = exchange.part() => part,
            () = answer.given_up.cancelled() => return exchange.stop(),
        };
        match part {
            Some(Part::Message(message)) => answer.add(&message),
            Some(Part::Silence) => {}
            None => break,
        }
        tokio::select! {
            room = state.wait_for(State::has_room) => drop(room),
            () = answer.given_up.cancelled() => return exchange.stop(),
        }
    }
    answer.state.send_modify(|state| state.has_ended = true);
}

impl Answer {
    fn add(&self, message: &str) {
        self.state.send_modify(|state| {
            let id = format!("{}-{}", self.number, state.end());
            state.events.push_back(events::event_with_id(&id, message));
        });
    }
}

/// A connection on which an answer is heard.
struct Reader {
    session: Arc<Session>,
    answer: Arc<Answer>,
    /// Its number among the readers of the answer.
    own: u64,
    /// The next event.
    next: u64,
    has_begun: bool,
    _open: metrics::Open,
}

impl Reader {
    /// Takes the place of whoever read it before.
    fn new(session: &Arc<Session>, answer: Arc<Answer>, next: u64, open: metrics::Open) -> Self {
        let mut own = 0;
        answer.state.send_modify(|state| {
            state.reader += 1;
            (state.is_read, state.next, own) = (true, next, state.reader);
        });
        let session = Arc::clone(session);
        Self { session, answer, own, next, has_begun: false, _open: open }
    }

    fn response(self) -> Response {
        let chunks = stream::unfold(self, |mut reader| async move {
            let chunk = reader.chunk().await?;
            Some((Ok::<_, Infallible>(chunk), reader))
        });
        events::response(chunks.fuse())
    }

    /// The next part; none behind the end, or where another connection goes on with it.
    async fn chunk(&mut self) -> Option<Bytes> {
        if !self.has_begun {
            // At once, so that a client which loses the connection now knows where to come back to.
            self.has_begun = true;
            return Some(events::beginning(&format!("{}-{}", self.answer.number, self.next - 1)));
        }
        let mut state = self.answer.state.subscribe();
        let has_news = state.wait_for(|state| {
            state.reader != self.own || state.end() > self.next || state.has_ended
        });
        let Ok(news) = timeout(events::HEARTBEAT, has_news).await else {
            return Some(events::comment());
        };
        let event = {
            let state = news.ok()?;
            if state.reader != self.own {
                return None;
            }
            let place = usize::try_from(self.next.checked_sub(state.first)?).ok()?;
            state.events.get(place).cloned()?
        };
        self.next += 1;
        self.answer.state.send_modify(|state| {
            if state.reader == self.own {
                state.next = self.next;
                state.trim();
            }
        });
        Some(event)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let (session, answer, reader) =
            (Arc::clone(&self.session), Arc::clone(&self.answer), self.own);
        let is_newest = move |state: &State| state.reader == reader;
        let mut was_newest = false;
        answer.state.send_if_modified(|state| {
            was_newest = is_newest(state);
            state.is_read = state.is_read && !was_newest;
            false
        });
        if !was_newest {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        drop(runtime.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(PATIENCE) => {}
                () = answer.given_up.cancelled() => {}
            }
            if is_newest(&answer.state.borrow()) {
                answer.given_up.cancel();
                session.answers.forget(answer.number);
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(next: u64, sizes: &[usize]) -> State {
        let events = sizes.iter().map(|&size| Bytes::from(vec![b'x'; size])).collect();
        State { events, first: 1, next, ..State::default() }
    }

    #[test]
    fn what_was_read_is_forgotten_but_for_the_last_of_it() {
        let mut read = state(4, &[KEPT_BYTES, KEPT_BYTES, KEPT_BYTES]);
        read.trim();
        assert_eq!(
            (read.first, read.events.len(), read.end()),
            (3, 1, 4),
            "the last one may be lost"
        );
        let mut unread = state(1, &[KEPT_BYTES, KEPT_BYTES]);
        unread.trim();
        assert_eq!((unread.first, unread.events.len()), (1, 2), "nobody has seen these");
        let mut small = state(3, &[1, 1]);
        small.trim();
        assert_eq!(small.first, 1);
    }

    #[test]
    fn whoever_is_away_holds_up_the_request_at_last() {
        assert!(state(1, &[1; AHEAD_MAX - 1]).has_room());
        assert!(!state(1, &[1; AHEAD_MAX]).has_room());
        assert!(state(2, &[1; AHEAD_MAX]).has_room());
    }
}
