//! A connection over which everything comes on one stream that all requests share.

use super::about::{About, Outgoing};
use super::calls::Calls;
use super::error::{Error, RpcError};
use super::event_stream::Posts;
use super::farewell::Farewell;
use super::limits;
use super::listener::Listener;
use super::message::{self, Message};
use super::patience::Patience;
use super::process::Process;
use super::start::{self, Era, Started};
use futures::FutureExt as _;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a stream is listened to at most.
const VERY_LONG: Duration = Duration::from_hours(365 * 24);

/// Where messages of this client go.
pub(crate) enum Way {
    Posts(Posts),
    Process(Box<Process>),
}

impl Way {
    async fn send(&self, message: &Value) -> Result<(), Error> {
        match self {
            Self::Posts(posts) => posts.send(message).await,
            Self::Process(process) => process.send(message).await,
        }
    }

    async fn ended(&self, sent: bool) -> Error {
        let words = match self {
            Self::Posts(_) => String::new(),
            Self::Process(process) => process.last_words().await,
        };
        Error::Ended { words, sent }
    }
}

/// A connection that is open, and of which it is not yet known what it speaks.
pub(crate) struct Open {
    calls: Arc<Calls>,
    about: Arc<About>,
    way: Arc<Way>,
    over: watch::Receiver<bool>,
    /// Ends the task that reads when it is dropped.
    _reading: JoinSet<()>,
}

/// A connection that has begun.
pub(crate) struct Line {
    open: Arc<Open>,
    pub(crate) started: Started,
    served: AtomicBool,
}

/// What is done with messages that come.
pub(crate) struct Incoming {
    calls: Arc<Calls>,
    way: Arc<Way>,
    questions: JoinSet<()>,
    over: watch::Sender<bool>,
}

impl Incoming {
    /// Hands a message to whom it is for.
    pub(crate) fn take(&mut self, message: Message) {
        match message {
            Message::Answer { id: Some(id), outcome } => self.calls.answered(id, outcome),
            Message::Answer { id: None, outcome } => {
                tracing::debug!(?outcome, "a source answered nobody knows what");
            }
            Message::Notification { method, params } => self.calls.notified(None, &method, &params),
            Message::Request { id, method, params } => {
                while self.questions.try_join_next().is_some() {}
                let busy = self.questions.len() >= limits::QUESTIONS;
                // Without a place, the question is not answered at all: the source may give up.
                if self.questions.len() >= 2 * limits::QUESTIONS {
                    return;
                }
                let (calls, way) = (Arc::clone(&self.calls), Arc::clone(&self.way));
                self.questions.spawn(async move {
                    let outcome = if busy {
                        Err(RpcError::new(-32603, "too many questions at once"))
                    } else {
                        calls.ask(None, &method, &params).await
                    };
                    drop(way.send(&message::answer(&id, outcome)).await);
                });
            }
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // In this order: who begins a request afterwards sees the first, everybody else the second.
        self.over.send_replace(true);
        self.calls.end();
    }
}

impl Open {
    /// Starts to read with `read`, which hands over what comes until it ends.
    pub(crate) fn new<R>(
        way: Way,
        about: Arc<About>,
        observer: Arc<dyn Listener>,
        read: impl FnOnce(Incoming) -> R,
    ) -> Arc<Self>
    where
        R: Future<Output = ()> + Send + 'static,
    {
        let (calls, way) = (Calls::new(observer), Arc::new(way));
        let (over, is_over) = watch::channel(false);
        let (own_calls, own_way) = (Arc::clone(&calls), Arc::clone(&way));
        let incoming = Incoming { calls: own_calls, way: own_way, questions: JoinSet::new(), over };
        let mut reading = JoinSet::new();
        reading.spawn(read(incoming));
        Arc::new(Self { calls, about, way, over: is_over, _reading: reading })
    }

    async fn request(self: &Arc<Self>, era: &Era, outgoing: &Outgoing) -> Result<Value, Error> {
        let mut ticket = self.calls.begin(outgoing.listener.clone(), &outgoing.patience);
        if *self.over.borrow() {
            return Err(self.way.ended(false).await);
        }
        let framed = self.about.frame(era, ticket.id, outgoing);
        let mut farewell = self.farewell(ticket.id, outgoing.method);
        let exchange = async {
            self.way.send(&framed).await?;
            match (&mut ticket.answer).await {
                Ok(outcome) => outcome.map_err(Error::Rpc),
                Err(_over) => Err(self.way.ended(true).await),
            }
        };
        tokio::select! {
            outcome = exchange => {
                farewell.over();
                outcome
            }
            () = outgoing.patience.end() => Err(Error::Timeout(outgoing.patience.whole())),
        }
    }

    fn farewell(self: &Arc<Self>, id: u64, method: &str) -> Farewell {
        let open = Arc::clone(self);
        let telling = async move { drop(open.way.send(&Farewell::message(id)).await) };
        // The beginning cannot be cancelled.
        let begins = matches!(method, "initialize" | "server/discover");
        Farewell::new((!begins).then(|| telling.boxed()))
    }

    /// Asks which era the source is of; a program may take long to start.
    pub(crate) async fn discover(self: &Arc<Self>) -> Result<Value, Error> {
        let outgoing = Outgoing::new("server/discover", Patience::new(limits::START));
        self.request(&Era::Modern, &outgoing).await
    }

    /// The connection, in the modern era.
    pub(crate) fn modern(self: Arc<Self>, said: Value) -> Arc<Line> {
        Arc::new(Line::new(self, Started { era: Era::Modern, said }))
    }

    /// Begins a session.
    pub(crate) async fn session(self: Arc<Self>) -> Result<Arc<Line>, Error> {
        let begins = self.about.initialize(Patience::new(limits::START));
        let said = self.request(&Era::Session(start::SESSIONS[0]), &begins).await?;
        let era = start::negotiated(&said)?;
        self.way.send(&message::notification("notifications/initialized", &Value::Null)).await?;
        let logs = said.pointer("/capabilities/logging").is_some();
        if let Some(level) = self.about.log_level.as_ref().filter(|_| logs) {
            let mut outgoing = Outgoing::new("logging/setLevel", Patience::new(limits::START));
            outgoing.params.insert("level".to_owned(), json!(level));
            if let Err(reason) = self.request(&era, &outgoing).await {
                tracing::debug!(%reason, "a source does not take a level of log messages");
            }
        }
        Ok(Arc::new(Line::new(self, Started { era, said })))
    }
}

impl Line {
    fn new(open: Arc<Open>, started: Started) -> Self {
        Self { open, started, served: AtomicBool::new(false) }
    }

    /// Whether it answered a request since it began.
    pub(crate) fn has_served(&self) -> bool {
        self.served.load(Ordering::Relaxed)
    }

    /// Sends a request and waits for its result. Dropping the future tells the source.
    pub(crate) async fn request(&self, outgoing: &Outgoing) -> Result<Value, Error> {
        let answered = self.open.request(&self.started.era, outgoing).await;
        if let Ok(_) | Err(Error::Rpc(_)) = answered {
            self.served.store(true, Ordering::Relaxed);
        }
        answered
    }

    /// Waits for the end; what the source tells beside its answers is handed on as it comes.
    pub(crate) async fn listen(&self) -> Result<(), Error> {
        if self.started.era == Era::Modern {
            let mut outgoing = Outgoing::new("subscriptions/listen", Patience::new(VERY_LONG));
            let wanted = json!({"toolsListChanged": true});
            outgoing.params.insert("notifications".to_owned(), wanted);
            match self.open.request(&self.started.era, &outgoing).await {
                // Whatever it says of this, it may tell something all the same.
                Ok(_) | Err(Error::Rpc(_)) => (),
                Err(error) => return Err(error),
            }
        }
        let mut over = self.open.over.clone();
        // Who reads ends by saying so.
        drop(over.wait_for(|over| *over).await);
        Err(self.open.way.ended(true).await)
    }
}
