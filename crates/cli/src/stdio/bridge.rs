//! Carries messages between the client's pipes and the door, each without waiting for another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::door::{Door, Undelivered};
use super::headers::Listed;
use super::message::{self, HEADER_MISMATCH, INTERNAL_ERROR, Kind, Message};
use super::output::Output;
use super::reply::{self, Reply};
use super::session::{Current, Session};

/// How often a broken stream is taken up again for the rest of an answer.
const RESUMED_MAX: usize = 5;

/// Pages of `tools/list` that are read to learn which arguments are headers.
const PAGES_MAX: usize = 200;

/// What the client has under way.
pub(super) struct Bridge {
    door: Arc<Door>,
    session: Arc<Session>,
    output: Output,
    listed: Mutex<Listed>,
    /// Requests under way, by id.
    open: Mutex<HashMap<String, Open>>,
    requests: TaskTracker,
    ending: CancellationToken,
}

/// A request under way.
struct Open {
    /// Closes its connection, by which the server takes a stateless request for cancelled, and others
    /// not.
    end: CancellationToken,
    is_modern: bool,
}

type Outcome<T> = Result<T, Undelivered>;

impl Bridge {
    pub(super) fn new(door: Door, output: Output) -> Arc<Self> {
        Arc::new(Self {
            door: Arc::new(door),
            session: Arc::default(),
            output,
            listed: Mutex::default(),
            open: Mutex::default(),
            requests: TaskTracker::new(),
            ending: CancellationToken::new(),
        })
    }

    /// Takes a line of the client.
    pub(super) async fn take(self: &Arc<Self>, line: &str) {
        let message = match Message::read(line) {
            Ok(message) => message,
            Err(answer) => return self.output.say(answer).await,
        };
        if message.method() == "notifications/initialized" {
            // What the client says next counts on this.
            self.tell(&message).await;
            return self.session.initialized(&self.door, &self.output);
        }
        if let Some(id) = message.cancels()
            && let Some(request) = self.open().get(&id.to_string())
        {
            // Nothing is answered any more, neither by the server nor for it.
            request.end.cancel();
            if request.is_modern {
                return;
            }
        }
        let bridge = Arc::clone(self);
        match message.kind {
            Kind::Notification | Kind::Answer => {
                drop(tokio::spawn(async move { bridge.tell(&message).await }));
            }
            Kind::Request | Kind::Batch => bridge.begin(message),
        }
    }

    /// Waits for what is under way, for so long at most, and ends the session.
    pub(super) async fn finish(&self, most: Duration) {
        self.requests.close();
        tokio::select! {
            () = self.requests.wait() => {}
            () = self.output.closed() => {}
            () = tokio::time::sleep(most) => tracing::warn!("requests under way are given up"),
        }
        self.ending.cancel();
        self.session.end(&self.door).await;
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: Arc<Self>, message: Message) {
        let gone = self.ending.child_token();
        let (is_modern, is_one) = (message.is_modern(), message.kind == Kind::Request);
        // What begins a session cannot be cancelled, and one of a batch not by itself.
        let can_be_cancelled = is_one && !message.is_initialize();
        let key = message.ids.first().filter(|_| can_be_cancelled).map(ToString::to_string);
        if let Some(key) = &key {
            self.open().insert(key.clone(), Open { end: gone.clone(), is_modern });
        }
        // Nobody waits at the end for streams that never end by themselves.
        let counted = (!message.is_subscription()).then(|| self.requests.token());
        drop(tokio::spawn(async move {
            gone.run_until_cancelled(self.carry(&message)).await;
            if let Some(key) = key {
                self.open().remove(&key);
            }
            drop(counted);
        }));
    }

    /// Sends what nobody answers.
    async fn tell(&self, message: &Message) {
        let delivered = async {
            match self.deliver(message).await? {
                (_, Reply::Refused(reason)) => Err(Undelivered(reason)),
                _ => Ok(()),
            }
        };
        if let Err(error) = delivered.await {
            tracing::warn!(%error, method = message.method(), "not delivered");
        }
    }

    /// Sends a request and passes on what comes, until it is answered.
    async fn carry(&self, message: &Message) {
        let mut left = message.ids.clone();
        if let Err(error) = self.exchange(message, &mut left).await {
            for id in left {
                self.output.say(message::failure(&id, INTERNAL_ERROR, &error.to_string())).await;
            }
        }
    }

    async fn exchange(&self, message: &Message, left: &mut Vec<Value>) -> Outcome<()> {
        let (head, reply) = self.deliver(message).await?;
        let mut events = match reply {
            Reply::Refused(reason) => return Err(Undelivered(reason)),
            Reply::Nothing if left.is_empty() => return Ok(()),
            Reply::Nothing => return Err(Undelivered("the server gave no answer".to_owned())),
            Reply::Whole(text) => {
                self.pass_on(message, &head, reply::for_request(text, left), left).await;
                return Ok(());
            }
            Reply::Stream(events) => events,
        };
        for _ in 0..=RESUMED_MAX {
            while let Some(text) = events.next().await {
                self.pass_on(message, &head, text, left).await;
                if left.is_empty() {
                    return Ok(());
                }
            }
            // The older revisions let a broken stream be taken up again.
            let Some(last) = events.last_id.clone().filter(|_| !message.is_modern()) else { break };
            tokio::time::sleep(events.retry.unwrap_or(Duration::from_millis(500))).await;
            let mut headers = self.session.current().headers();
            headers.push(("Last-Event-ID".to_owned(), last.clone()));
            let Reply::Stream(rest) = reply::read(self.door.get(&headers).await?).await?.1 else {
                break;
            };
            let retry = events.retry;
            events = rest;
            (events.last_id, events.retry) = (Some(last), retry);
        }
        let lost = "the connection ended before the answer came; it is not known whether the request was carried out";
        Err(Undelivered(lost.to_owned()))
    }

    /// Gives the client a message of the server's, after noticing what it means for the next ones.
    async fn pass_on(
        &self,
        asked: &Message,
        head: &HeaderMap,
        text: String,
        left: &mut Vec<Value>,
    ) {
        if let Ok(said) = serde_json::from_str::<Value>(&text) {
            let each = said.as_array().map_or(std::slice::from_ref(&said), Vec::as_slice);
            for one in each.iter().filter(|one| one.get("method").is_none()) {
                left.retain(|id| one.get("id") != Some(id));
            }
            if asked.is_initialize() && said.get("result").is_some() {
                self.session.begun(asked, head, &said);
            }
            if asked.method() == "tools/list" && asked.is_modern() {
                self.listed().note(&said);
            }
        }
        self.output.say(text).await;
    }

    /// Sends a message; again where it certainly was not carried out and why can be mended.
    async fn deliver(&self, message: &Message) -> Outcome<(HeaderMap, Reply)> {
        if message.is_modern() {
            return self.deliver_stateless(message).await;
        }
        let current =
            if message.is_initialize() { Current::default() } else { self.session.current() };
        let answer = self.door.post(&message.text, &current.headers()).await?;
        if !current.is_lost(answer.status()) {
            return reply::read(answer).await;
        }
        self.session.renew(&self.door, &current).await?;
        if message.kind == Kind::Answer {
            // What it answers was asked in the session that is lost.
            return Ok((HeaderMap::new(), Reply::Nothing));
        }
        let current = self.session.current();
        reply::read(self.door.post(&message.text, &current.headers()).await?).await
    }

    async fn deliver_stateless(&self, message: &Message) -> Outcome<(HeaderMap, Reply)> {
        let headers = self.listed().of(message);
        let answer = self.door.post(&message.text, &headers).await?;
        let is_call =
            message.method() == "tools/call" && answer.status() == StatusCode::BAD_REQUEST;
        let (head, reply) = reply::read(answer).await?;
        let Reply::Whole(text) = &reply else { return Ok((head, reply)) };
        if is_call && reply::code(text) == Some(HEADER_MISMATCH) {
            // The client called what it had not listed here: which arguments are headers is not known.
            self.learn(message).await?;
            let better = self.listed().of(message);
            if better != headers {
                return reply::read(self.door.post(&message.text, &better).await?).await;
            }
        }
        Ok((head, reply))
    }

    /// Lists the tools, as `message` would.
    async fn learn(&self, message: &Message) -> Outcome<()> {
        let mut parameters = Map::new();
        parameters.insert("_meta".to_owned(), json!(message.meta()));
        for _ in 0..PAGES_MAX {
            let text = json!({"jsonrpc": "2.0", "id": "mcpbox-stdio-list", "method": "tools/list",
                "params": parameters});
            let Ok(list) = Message::read(&text.to_string()) else { return Ok(()) };
            let headers = self.listed().of(&list);
            let (_, reply) = reply::read(self.door.post(&list.text, &headers).await?).await?;
            let page = reply::response(reply).await;
            self.listed().note(&page);
            match page.get("result").and_then(|result| result.get("nextCursor")) {
                Some(Value::String(next)) => {
                    parameters.insert("cursor".to_owned(), json!(next));
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }
}
