//! One session of a client, as this process knows it: what it wants to hear, what runs in it, and what it is asked.

mod requests;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use app::client_sessions::{self, ClientSession};
use app::conversation::{Abilities, AskError, Level};
pub(crate) use requests::Listed;
use requests::Requests;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, WeakSender};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::catalog::Prints;
use crate::client;
use crate::exchange::Frame;
use crate::resumable::Answers;
use crate::rpc::{self, Id};
use crate::version::Version;

/// The most resources whose changes one session hears of.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 1_000;

/// How many messages wait for a stream that nobody reads; more of them are missed.
const LINES_MAX: usize = 256;

/// A session.
pub(crate) struct Session {
    pub(crate) id: String,
    /// The token that it was opened with; none on an open door.
    pub(crate) owner: Option<Uuid>,
    pub(crate) version: Version,
    /// What the client calls itself.
    pub(crate) client: Option<String>,
    pub(crate) abilities: Abilities,
    /// Cancelled when the session has ended.
    pub(crate) ended: CancellationToken,
    state: Mutex<State>,
    /// The requests of this server that the client has not answered.
    asked: Mutex<HashMap<Id, oneshot::Sender<Result<Value, String>>>>,
    /// The client's own requests that run.
    running: Arc<Requests>,
    /// Its open streams.
    streams: Mutex<Vec<(u64, mpsc::Sender<String>)>>,
    next_stream: AtomicU64,
    /// Streams of answers that its client can come back to.
    pub(crate) answers: Answers,
}

/// What changes while a session goes on.
struct State {
    level: Level,
    subscriptions: BTreeSet<String>,
    /// When the database was last asked whether there still is such a session.
    checked: Instant,
    /// When it was last told that it is in use.
    touched: Option<Instant>,
    /// What the client last heard of the lists; none where that is not known.
    heard: Option<Prints>,
    /// Which lists it was told of and has not read since: what went out on a stream may not have arrived.
    told: Lists,
}

/// Some of the lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lists {
    pub(crate) tools: bool,
    pub(crate) prompts: bool,
    pub(crate) resources: bool,
}

impl Session {
    /// A session as the database has it. `heard` is what its client knows of the lists.
    pub(crate) fn new(id: String, row: &ClientSession, heard: Option<Prints>) -> Self {
        let state = State {
            level: level_of(row),
            subscriptions: subscriptions_of(row),
            checked: Instant::now(),
            touched: None,
            heard,
            told: Lists::default(),
        };
        Self {
            id,
            owner: row.owner,
            version: Version::named(&row.protocol_version).unwrap_or(Version::NEWEST_WITH_SESSIONS),
            client: row.client.clone(),
            abilities: client_sessions::abilities(row),
            ended: CancellationToken::new(),
            state: Mutex::new(state),
            asked: Mutex::default(),
            running: Arc::default(),
            streams: Mutex::default(),
            next_stream: AtomicU64::new(0),
            answers: Answers::default(),
        }
    }

    /// Whether the client knows how to come back to a stream that it lost.
    pub(crate) fn comes_back(&self) -> bool {
        self.version >= Version::November2025
    }

    /// From which level on the client hears what tools log.
    pub(crate) fn level(&self) -> Level {
        self.state().level
    }

    /// What the client subscribes to.
    pub(crate) fn subscriptions(&self) -> BTreeSet<String> {
        self.state().subscriptions.clone()
    }

    /// Takes over what another process may have changed.
    pub(crate) fn refresh(&self, row: &ClientSession) {
        let mut state = self.state();
        state.level = level_of(row);
        state.subscriptions = subscriptions_of(row);
        state.checked = Instant::now();
    }

    pub(crate) fn set_wishes(&self, level: Level, subscriptions: BTreeSet<String>) {
        let mut state = self.state();
        state.level = level;
        state.subscriptions = subscriptions;
    }

    pub(crate) fn checked(&self) -> Instant {
        self.state().checked
    }

    /// Whether nobody was told for a while that the session is in use; says so at most once per `every`.
    pub(crate) fn is_to_touch(&self, every: std::time::Duration) -> bool {
        let mut state = self.state();
        let due = state.touched.is_none_or(|touched| touched.elapsed() >= every);
        if due {
            state.touched = Some(Instant::now());
        }
        due
    }

    /// Notes what the client now knows of the lists; what it knew before.
    pub(crate) fn hear(&self, prints: Prints) -> Option<Prints> {
        self.state().heard.replace(prints)
    }

    /// Notes of which lists the client was told that they changed.
    pub(crate) fn tell_of(&self, lists: Lists) {
        let told = &mut self.state().told;
        told.tools |= lists.tools;
        told.prompts |= lists.prompts;
        told.resources |= lists.resources;
    }

    /// Of which it was told and has not read since.
    pub(crate) fn told(&self) -> Lists {
        self.state().told
    }

    /// Notes that it reads a list, by the method that asks for it.
    pub(crate) fn reads(&self, method: &str) {
        let told = &mut self.state().told;
        match method {
            "tools/list" => told.tools = false,
            "prompts/list" => told.prompts = false,
            "resources/list" | "resources/templates/list" => told.resources = false,
            _ => {}
        }
    }

    /// Opens a stream on which the client is told of what it did not ask for; the newest is used.
    pub(crate) fn open_stream(self: &Arc<Self>) -> (StreamGuard, mpsc::Receiver<String>) {
        let (sender, lines) = mpsc::channel(LINES_MAX);
        let number = self.next_stream.fetch_add(1, Ordering::Relaxed);
        lock(&self.streams).push((number, sender));
        (StreamGuard { session: Arc::clone(self), number }, lines)
    }

    /// Whether it has anything open.
    pub(crate) fn is_busy(&self) -> bool {
        !lock(&self.streams).is_empty() || !self.running.is_empty()
    }

    /// Tells the client on its newest stream; whether there is one that takes it.
    pub(crate) fn tell(&self, message: String) -> bool {
        let newest = lock(&self.streams).last().map(|(_, sender)| sender.clone());
        newest.is_some_and(|sender| sender.try_send(message).is_ok())
    }

    /// Asks the client: on the stream that answers its request if that can be one, else on its own.
    pub(crate) async fn ask(
        self: Arc<Self>,
        line: Option<WeakSender<Frame>>,
        method: &'static str,
        params: Value,
    ) -> Result<Value, AskError> {
        let id = Id::text(&Uuid::now_v7().to_string());
        let (reply, answer) = oneshot::channel();
        lock(&self.asked).insert(id.clone(), reply);
        let _asking = Asking { session: &self, id: &id, line: line.as_ref() };
        let request = rpc::request(&id, method, &params);
        let is_told = match line.as_ref().map(WeakSender::upgrade) {
            Some(Some(line)) => line.send(Frame::Message(request)).await.is_ok(),
            Some(None) => false,
            None => self.tell(request),
        };
        if !is_told {
            return Err(AskError::Refused(
                "it takes no stream of events on which it could be asked".to_owned(),
            ));
        }
        tokio::select! {
            answer = answer => match answer {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(reason)) => Err(AskError::Refused(reason)),
                Err(_) => Err(AskError::Gone),
            },
            () = self.ended.cancelled() => Err(AskError::Gone),
        }
    }

    /// Passes on what the client answered; whether somebody waits for it.
    pub(crate) fn answered(&self, id: &Id, outcome: Result<Value, String>) -> bool {
        let reply = lock(&self.asked).remove(id);
        reply.is_some_and(|reply| reply.send(outcome).is_ok())
    }

    /// Lists a request as running for as long as what is returned is kept. A second one with the same id
    /// takes its place.
    pub(crate) fn list(&self, id: &Id, stop: &CancellationToken) -> Listed {
        self.running.list(id, stop)
    }

    /// Ends a request that the client takes back.
    pub(crate) fn cancel(&self, id: &Id) {
        self.running.cancel(id);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn level_of(row: &ClientSession) -> Level {
    row.log_level.as_deref().and_then(client::level).unwrap_or(Level::Info)
}

fn subscriptions_of(row: &ClientSession) -> BTreeSet<String> {
    let uris = row.subscriptions.0.as_array();
    uris.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A stream that is open.
pub(crate) struct StreamGuard {
    pub(crate) session: Arc<Session>,
    number: u64,
}

impl StreamGuard {
    /// Whether it is the one that the client is told on.
    pub(crate) fn is_newest(&self) -> bool {
        lock(&self.session.streams).last().is_some_and(|(number, _)| *number == self.number)
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        lock(&self.session.streams).retain(|(number, _)| *number != self.number);
    }
}

/// A request of this server that waits for its answer. Given up, it is taken back.
struct Asking<'a> {
    session: &'a Session,
    id: &'a Id,
    line: Option<&'a WeakSender<Frame>>,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if lock(&self.session.asked).remove(self.id).is_none() {
            return;
        }
        let params = json!({ "requestId": self.id.value(), "reason": "nobody waits any more" });
        let message = rpc::notification("notifications/cancelled", &params);
        match self.line.map(WeakSender::upgrade) {
            Some(Some(line)) => drop(line.try_send(Frame::Message(message))),
            Some(None) => {}
            None => drop(self.session.tell(message)),
        }
    }
}
