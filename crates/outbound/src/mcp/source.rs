//! An external source, as the rest of the program sees it: its tools, and calls of them.

use super::about::{About, Outgoing};
use super::door::Door;
use super::error::Error;
use super::life::Life;
use super::link::{Link, Way};
use super::list::{Pages, Tools};
use super::listener::{Access, Listener};
use super::patience::Patience;
use super::process::Program;
use super::questions::answer;
use super::start::{Era, Started};
use super::{limits, mirror};
use crate::client::Client;
use crate::error::{Kind, RequestError};
use crate::policy::Policy;
use crate::target::Target;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How a source is reached, and what it is told of this client.
pub struct Setup {
    /// Where it is.
    pub place: Place,
    /// Name and version of this client: `{"name": …, "version": …}`.
    pub info: Value,
    /// What the source may ask of it, such as `{"elicitation": {}}`.
    pub capabilities: Value,
    /// From which level on log messages are wanted, such as `info`.
    pub log_level: Option<String>,
    /// Who hears what belongs to no call, such as that the list of tools has changed.
    pub observer: Arc<dyn Listener>,
}

/// Where a source is.
pub enum Place {
    /// At an address that speaks Streamable HTTP.
    Http(Web),
    /// At an address that opens a stream of events, as revision 2024-11-05 has it.
    EventStream(Web),
    /// A process of this machine.
    Process(Program),
}

/// An address, and how to get there.
pub struct Web {
    /// The http or https address.
    pub url: String,
    /// What makes the requests.
    pub client: Client,
    /// Whose connections they use.
    pub caller: String,
    /// What was allowed to the source.
    pub policy: Policy,
    /// Where its credentials come from.
    pub access: Arc<dyn Access>,
}

/// One source. It connects when it is first used, and again when its session was lost.
pub struct Source {
    link: Arc<Link>,
    under_way: Semaphore,
    life: Life,
}

/// The result of a tool, if it can be one: unknown fields and kinds of content are none of this client's business.
fn checked(result: Value) -> Result<Value, Error> {
    let is_result = result.as_object().is_some_and(|fields| {
        fields.get("content").is_none_or(Value::is_array)
            && fields.get("isError").is_none_or(Value::is_boolean)
    });
    if is_result {
        return Ok(result);
    }
    let odd =
        "what it answered the call with is no result: `content` is an array, `isError` a boolean";
    Err(Error::NotMcp(odd.to_owned()))
}

/// A call of a tool.
pub struct Call {
    /// The tool, by its name at the source.
    pub name: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// What to send in `_meta`.
    pub meta: Map<String, Value>,
    /// The tool's `inputSchema` as the source listed it: it may want arguments repeated in headers.
    pub schema: Option<Value>,
    /// How long it may take; questions to the caller do not count.
    pub timeout: Duration,
    /// Who hears its progress and answers its questions.
    pub listener: Option<Arc<dyn Listener>>,
}

impl Source {
    /// A source that is not connected to yet.
    pub fn new(setup: Setup) -> Result<Self, RequestError> {
        let about = About {
            info: setup.info,
            capabilities: setup.capabilities,
            log_level: setup.log_level,
        };
        let life = Life::new();
        let way = match setup.place {
            Place::Http(web) => Way::Http(Arc::new(web.door(&life)?)),
            Place::EventStream(web) => Way::EventStream(Arc::new(web.door(&life)?)),
            Place::Process(program) => Way::Process(program),
        };
        let link = Link::new(way, about, setup.observer, life.clone());
        Ok(Self { link: Arc::new(link), under_way: Semaphore::new(limits::UNDER_WAY), life })
    }

    /// Whether it is a process of exactly this program.
    pub fn runs(&self, program: &Program) -> bool {
        matches!(&self.link.way, Way::Process(own) if own == program)
    }

    /// Connects where that has not happened, and says what the source said of itself.
    pub async fn start(&self) -> Result<Started, Error> {
        let _using = self.life.begin()?;
        let started = async { Ok(self.link.connection().await?.started().clone()) };
        self.life.within(started).await
    }

    /// All tools that the source lists.
    pub async fn list_tools(&self, timeout: Duration) -> Result<Tools, Error> {
        let _using = self.life.begin()?;
        self.life.within(Box::pin(self.list_pages(timeout))).await
    }

    async fn list_pages(&self, timeout: Duration) -> Result<Tools, Error> {
        let mut outgoing = Outgoing::new("tools/list", Patience::new(timeout));
        let mut pages = Pages::default();
        loop {
            outgoing.params = pages.params();
            let (page, era) = self.request(&outgoing).await?;
            if !pages.take(page)? {
                return Ok(pages.finish(era == Era::Modern));
            }
        }
    }

    /// Calls a tool; gives its result as it came. Dropping the future cancels the call.
    pub async fn call_tool(&self, call: Call) -> Result<Value, Error> {
        let _using = self.life.begin()?;
        self.life.within(Box::pin(self.call_in_rounds(call))).await
    }

    async fn call_in_rounds(&self, call: Call) -> Result<Value, Error> {
        let patience = Patience::new(call.timeout);
        let mut outgoing = Outgoing::new("tools/call", Arc::clone(&patience));
        if let Some(schema) = &call.schema {
            // A tool whose headers cannot be made is none that was listed.
            outgoing.mirrored = mirror::headers(schema, &call.arguments).map_err(Error::NotMcp)?;
        }
        outgoing.params.insert("name".to_owned(), json!(call.name));
        outgoing.params.insert("arguments".to_owned(), Value::Object(call.arguments));
        if !call.meta.is_empty() {
            outgoing.params.insert("_meta".to_owned(), Value::Object(call.meta));
        }
        outgoing.name = Some(call.name);
        outgoing.listener = call.listener;
        for round in 0..=limits::ROUNDS {
            let answered = self.request(&outgoing).await;
            let (mut result, era) = match answered {
                Err(error) if round > 0 => return Err(Error::Begun(Box::new(error))),
                answered => answered?,
            };
            let asks = result.get("resultType").is_some_and(|kind| kind == "input_required");
            if era != Era::Modern || !asks {
                return checked(result);
            }
            let questions = result.get_mut("inputRequests").map(Value::take);
            let answers = answer(&outgoing, questions, round).await;
            let answers = answers.map_err(|error| Error::Begun(Box::new(error)))?;
            outgoing.params.remove("inputResponses");
            outgoing.params.remove("requestState");
            if let Some(answers) = answers {
                outgoing.params.insert("inputResponses".to_owned(), answers);
            }
            if let Some(state) = result.get_mut("requestState").map(Value::take) {
                outgoing.params.insert("requestState".to_owned(), state);
            }
        }
        let endless = Error::NotMcp("its tool asks questions without end".to_owned());
        Err(Error::Begun(Box::new(endless)))
    }

    /// Asks the source for a sign of life.
    pub async fn ping(&self, timeout: Duration) -> Result<(), Error> {
        let _using = self.life.begin()?;
        let asking = async {
            let era = self.link.connection().await?.started().era.clone();
            let method = if era == Era::Modern { "server/discover" } else { "ping" };
            // Calls that have no answer must not take its place.
            self.exchange(&Outgoing::new(method, Patience::new(timeout))).await.map(|_pong| ())
        };
        self.life.within(Box::pin(asking)).await
    }

    /// Hands what the source tells beside its answers to the observer, for as long as it has a
    /// stream for that; `Ok` where it has none. No process is started for it: it waits until one is.
    pub async fn listen(&self) -> Result<(), Error> {
        // No use of its own: it goes on for as long as there are others.
        drop(self.life.begin()?);
        self.life.within(self.listen_once()).await
    }

    async fn listen_once(&self) -> Result<(), Error> {
        let connection = match &self.link.way {
            Way::Process(_) => self.link.begun().await,
            Way::Http(_) | Way::EventStream(_) => self.link.connection().await?,
        };
        let ended = connection.listen().await;
        if let Err(error @ (Error::SessionLost | Error::Ended { .. })) = &ended {
            self.link.forget(&connection, error).await;
        }
        ended
    }

    /// Ends the connection, if there is one. The next use begins another.
    pub async fn close(&self) {
        if let Some(connection) = self.link.take().await {
            connection.close().await;
        }
    }

    /// Ends the connection for good, once the requests that are under way have their answers; others are
    /// refused. Who listens has to be ended before.
    pub async fn retire(&self) {
        self.life.leave().await;
        self.close().await;
        self.life.stop();
    }

    /// Ends the connection for good and at once: what is under way fails, nothing more is sent.
    pub async fn stop(&self) {
        self.life.stop();
        drop(self.link.take().await);
    }

    /// Sends a request once it has a place.
    async fn request(&self, outgoing: &Outgoing) -> Result<(Value, Era), Error> {
        // A place that comes free at the very end is of no use: what is sent then is said to be done perhaps.
        let _place = tokio::select! {
            biased;
            () = outgoing.patience.end() => return Err(late()),
            place = self.under_way.acquire() => place,
        };
        self.exchange(outgoing).await
    }

    /// Sends a request. One that met a session which is over, and so was not carried out, is
    /// sent once more in a new one.
    async fn exchange(&self, outgoing: &Outgoing) -> Result<(Value, Era), Error> {
        let patience = &outgoing.patience;
        let mut again = false;
        loop {
            let connection = tokio::select! {
                biased;
                () = patience.end() => return Err(late()),
                connection = self.link.connection() => connection?,
            };
            let error = match connection.request(outgoing).await {
                Ok(result) => return Ok((result, connection.started().era.clone())),
                Err(error) => error,
            };
            if matches!(error, Error::SessionLost | Error::Ended { .. }) {
                self.link.forget(&connection, &error).await;
                if error.is_certainly_not_carried_out() && !std::mem::replace(&mut again, true) {
                    continue;
                }
            }
            return Err(error);
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.link.cut();
    }
}

fn late() -> Error {
    let message = "the source could not be connected to in time";
    Error::NotSent(RequestError::new(Kind::PoolTimeout, message))
}

impl Web {
    fn door(self, life: &Life) -> Result<Door, RequestError> {
        let target = Target::parse(&self.url)?;
        let Self { client, caller, policy, access, .. } = self;
        Ok(Door { client, caller, policy, target, access, life: life.clone() })
    }
}
