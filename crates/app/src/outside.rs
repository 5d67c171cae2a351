//! The way out of one call: HTTP requests as far as its server's grants go and questions to its client,
//! each written down.

mod asked;
mod dialogue;
mod params;
mod said;
mod shares;
mod step;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use dialogue::Dialogue;
use outbound::{Client, Kind, Place, Policy, Record, RequestError, wire};
use sandbox::{Host, Operation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
pub(crate) use shares::Shares;
use store::refusals::Refusal;
use uuid::Uuid;

use crate::calls::Observer;
use crate::capabilities::{Need, NeedKind};
use crate::{clock, network};

/// The operation behind `http` in tools.
const REQUEST: &str = "http.request";

/// What one run asked for and was refused is written down up to so many names.
const NEEDS_MAX: usize = 200;

/// Requests and questions of one call that are written down one by one; more are counted.
const LOGGED: usize = 256;

/// What became of a question whose answer nobody waits for any more.
const WITHDRAWN: &str = "withdrawn";

/// What one call may reach.
pub(crate) struct Outside {
    client: Client,
    server_id: Uuid,
    policy: Arc<Policy>,
    /// Whether refused requests get an answer, so that the run goes on.
    learning: bool,
    dialogue: Dialogue,
    /// Who notices what is asked for.
    observer: Option<Observer>,
}

/// The requests and questions of one call. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Requests>>);

/// A line of what a call did outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Logged {
    /// One request.
    Request(Request),
    /// A question to the client.
    Asked(Asked),
    /// Requests and questions that are only counted.
    More {
        /// How many.
        more: usize,
    },
}

/// A request, without content and without the values of its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Where it went; empty where its URL could not be read.
    pub url: String,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The bytes of its body.
    pub sent_bytes: usize,
    /// The bytes of the answer's body, decompressed.
    pub received_bytes: usize,
    /// From its beginning to its end, redirects included, in microseconds.
    pub duration_us: i64,
    /// The redirects that were followed, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirects: Vec<Redirect>,
    /// Why there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A question to the client, without content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What for: `elicit`, `sample` or `roots`.
    pub asked: String,
    /// Names it among the questions of its call.
    pub key: String,
    /// `accept`, `decline` or `cancel` of a person, `answered` of others; or why there is no answer:
    /// `unsupported`, `gone`, `timed_out`, `refused`, `limit`, or `withdrawn` where the tool or its end
    /// took it back.
    pub outcome: String,
    /// How long it waited, in microseconds.
    pub duration_us: i64,
}

/// A redirect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// The status of the answer that led on.
    pub status: u16,
    /// Where to.
    pub url: String,
}

/// Whether a name is one that the source of a tool may read a secret by.
fn is_key(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    plain && (1..=255).contains(&name.len())
}

/// What a call did outside, as its row in the log tells it.
pub fn logged(requests: &Value) -> Vec<Logged> {
    let each = requests.as_array().into_iter().flatten();
    each.filter_map(|request| Logged::deserialize(request).ok()).collect()
}

#[derive(Default)]
struct Requests {
    lines: Vec<Line>,
    more: usize,
    needs: Vec<Need>,
}

enum Line {
    Request(Record),
    Question(Question),
}

struct Question {
    kind: &'static str,
    key: String,
    began: Instant,
    ended: Option<(&'static str, Duration)>,
}

impl Outside {
    /// Requests are made on the server's own connections, and written to the log of the dialogue.
    pub(crate) fn new(
        client: &Client,
        server_id: Uuid,
        policy: Policy,
        dialogue: Dialogue,
    ) -> Self {
        let policy = Arc::new(policy);
        Self {
            client: client.clone(),
            server_id,
            policy,
            learning: false,
            dialogue,
            observer: None,
        }
    }

    /// The same; `observer` notices what is asked for.
    pub(crate) fn observed(self, observer: &Observer) -> Self {
        Self { observer: Some(observer.clone()), ..self }
    }

    /// As a trial run has it: what a person may allow is noted, and the run goes on.
    pub(crate) fn learning(self) -> Self {
        Self { learning: true, ..self }
    }
}

impl Host for Outside {
    fn start(&self, operation: &str, payload: Vec<u8>) -> Operation {
        if operation == sandbox::Secrets::MISSED && self.learning {
            // Whatever a tool sends by itself: only what can be the name of a secret is noted.
            if let Ok(name) = String::from_utf8(payload)
                && is_key(&name)
            {
                self.dialogue.log().need(Need::new(NeedKind::Secret, name));
            }
            return Box::pin(std::future::ready(Ok(Vec::new())));
        }
        if let Some(begun) = self.dialogue.start(operation, &payload) {
            let asks = operation == sandbox::Abilities::ASK;
            let observer = self.observer.as_ref().filter(|_| asks);
            let waiting = observer.map(Observer::wait);
            return Box::pin(async move {
                let _waiting = waiting;
                begun.await
            });
        }
        if operation != REQUEST {
            let refusal = format!("there is no operation '{operation}'");
            return Box::pin(std::future::ready(Err(refusal)));
        }
        let (client, server_id, policy) =
            (self.client.clone(), self.server_id, Arc::clone(&self.policy));
        let log = self.dialogue.log().clone();
        let (learning, observer) = (self.learning, self.observer.clone());
        Box::pin(async move {
            let mut request = match wire::read_request(payload) {
                Ok(request) => request,
                Err(error) => return Ok(wire::write_answer(&Err(error))),
            };
            let place = log.begin(Record::of(&request));
            let (method, url) = (request.method.clone(), request.url.clone());
            let noticed = observer.map(|observer| observer.request(&mut request));
            let exchange = client.send(&server_id.to_string(), &policy, request).await;
            if let Some(noticed) = noticed {
                noticed.end(&exchange.record);
            }
            log.end(place, exchange.record);
            match exchange.outcome {
                Err(refusal) if learning && refusal.kind() == Kind::HostNotApproved => {
                    log.need_host(&policy, &refusal);
                    Ok(wire::write_stand_in(&method, &url, &refusal))
                }
                outcome => Ok(wire::write_answer(&outcome)),
            }
        })
    }
}

impl Log {
    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down that a request begins, so that it is known also when the call ends before it.
    fn begin(&self, record: Record) -> Option<usize> {
        self.add(Line::Request(record))
    }

    /// Writes down that a question is put.
    fn begin_question(&self, kind: &'static str, key: &str) -> Option<usize> {
        let key = key.to_owned();
        self.add(Line::Question(Question { kind, key, began: Instant::now(), ended: None }))
    }

    fn add(&self, line: Line) -> Option<usize> {
        let mut requests = self.requests();
        if requests.lines.len() == LOGGED {
            requests.more += 1;
            return None;
        }
        requests.lines.push(line);
        Some(requests.lines.len() - 1)
    }

    /// Writes down what became of a question, unless that is known.
    fn end_question(&self, place: Option<usize>, outcome: &'static str) {
        let mut requests = self.requests();
        if let Some(Line::Question(question)) =
            place.and_then(|place| requests.lines.get_mut(place))
        {
            question.ended.get_or_insert((outcome, question.began.elapsed()));
        }
    }

    fn need(&self, need: Need) {
        let needs = &mut self.requests().needs;
        if needs.len() < NEEDS_MAX && !needs.contains(&need) {
            needs.push(need);
        }
    }

    fn need_host(&self, policy: &Policy, refusal: &RequestError) {
        if let Some((host, port)) = refusal.target()
            // The usual ports need not be named.
            && let Ok(name) =
                network::normal_host(&host.to_string(), (![80, 443].contains(&port)).then_some(port))
        {
            let refused = policy.check_host(host, port);
            let granted = matches!(refused, Err(outbound::Refusal::NotDeclared { .. }));
            self.need(Need { granted, ..Need::new(NeedKind::Host, name) });
        }
    }

    /// What a trial run asked for and was refused.
    pub(crate) fn needs(&self) -> Vec<Need> {
        self.requests().needs.clone()
    }

    fn end(&self, place: Option<usize>, record: Record) {
        let mut requests = self.requests();
        if let Some(begun) = place.and_then(|place| requests.lines.get_mut(place)) {
            *begun = Line::Request(record);
        }
    }

    /// What `store::calls::Call` keeps.
    pub(crate) fn written(&self) -> Value {
        let requests = self.requests();
        let mut written: Vec<Logged> = requests.lines.iter().map(Line::written).collect();
        if requests.more > 0 {
            written.push(Logged::More { more: requests.more });
        }
        json!(written)
    }

    /// What the guard refused, each host once.
    pub(crate) fn refusals(&self, server_id: Uuid, tool_name: &str) -> Vec<Refusal> {
        let mut refusals: Vec<Refusal> = Vec::new();
        for line in &self.requests().lines {
            let Line::Request(record) = line else { continue };
            let Some(failure) = &record.failure else { continue };
            let Some((host, port)) = &failure.refused else { continue };
            let same = |known: &&mut Refusal| known.host == *host && known.port == i32::from(*port);
            if let Some(known) = refusals.iter_mut().find(same) {
                known.count += 1;
                continue;
            }
            refusals.push(Refusal {
                server_id,
                tool_name: tool_name.to_owned(),
                host: host.clone(),
                port: i32::from(*port),
                reason: failure.message.clone(),
                count: 1,
                last_at: clock::now(),
            });
        }
        refusals
    }
}

impl Line {
    fn written(&self) -> Logged {
        match self {
            Self::Request(record) => one(record),
            Self::Question(Question { kind, key, began, ended }) => {
                let (outcome, duration) = ended.unwrap_or_else(|| (WITHDRAWN, began.elapsed()));
                Logged::Asked(Asked {
                    asked: (*kind).to_owned(),
                    key: key.clone(),
                    outcome: outcome.to_owned(),
                    duration_us: microseconds(duration),
                })
            }
        }
    }
}

fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn one(record: &Record) -> Logged {
    let error = match &record.failure {
        Some(failure) => Some(failure.message.clone()),
        None if record.status.is_none() => Some("the call ended before the answer came".to_owned()),
        None => None,
    };
    let redirects = record.redirects.iter();
    Logged::Request(Request {
        method: record.method.clone(),
        url: address(&record.place),
        status: record.status,
        sent_bytes: record.sent,
        received_bytes: record.received,
        duration_us: microseconds(record.duration),
        redirects: redirects
            .map(|(status, to)| Redirect { status: *status, url: address(to) })
            .collect(),
        error,
    })
}

fn address(place: &Place) -> String {
    format!("{}{}", place.origin, place.path)
}
