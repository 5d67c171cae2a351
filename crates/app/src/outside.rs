//! The way out of one call: HTTP requests as far as its server's grants go, each written down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outbound::{Client, Place, Policy, Record, wire};
use sandbox::{Host, Operation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::refusals::Refusal;
use uuid::Uuid;

use crate::clock;

/// The operation behind `http` in tools.
const REQUEST: &str = "http.request";

/// Requests of one call that are written down one by one; more are counted.
const LOGGED: usize = 256;

/// What one call may reach.
pub(crate) struct Outside {
    client: Client,
    server_id: Uuid,
    policy: Arc<Policy>,
    log: Log,
}

/// The requests of one call. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Requests>>);

/// A line of what a call did outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Logged {
    /// One request.
    Request(Request),
    /// Requests that are only counted.
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

/// A redirect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// The status of the answer that led on.
    pub status: u16,
    /// Where to.
    pub url: String,
}

/// What a call did outside, as its row in the log tells it.
pub fn logged(requests: &Value) -> Vec<Logged> {
    let each = requests.as_array().into_iter().flatten();
    each.filter_map(|request| Logged::deserialize(request).ok()).collect()
}

#[derive(Default)]
struct Requests {
    records: Vec<Record>,
    more: usize,
}

impl Outside {
    /// Requests are made on the server's own connections, and written to `log`. Hosts are in their
    /// normal form, `host` or `host:port`; what cannot be read as such is not reached.
    pub(crate) fn new(client: &Client, server_id: Uuid, hosts: &[String], log: &Log) -> Self {
        let grants = hosts.iter().filter_map(|host| host.parse().ok()).collect();
        let policy = Arc::new(Policy::Tool { grants });
        Self { client: client.clone(), server_id, policy, log: log.clone() }
    }
}

impl Host for Outside {
    fn start(&self, operation: &str, payload: Vec<u8>) -> Operation {
        if operation != REQUEST {
            let refusal = format!("there is no operation '{operation}'");
            return Box::pin(std::future::ready(Err(refusal)));
        }
        let (client, server_id, policy, log) =
            (self.client.clone(), self.server_id, Arc::clone(&self.policy), self.log.clone());
        Box::pin(async move {
            let request = match wire::read_request(payload) {
                Ok(request) => request,
                Err(error) => return Ok(wire::write_answer(&Err(error))),
            };
            let place = log.begin(Record::of(&request));
            let exchange = client.send(&server_id.to_string(), &policy, request).await;
            log.end(place, exchange.record);
            Ok(wire::write_answer(&exchange.outcome))
        })
    }
}

impl Log {
    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down that a request begins, so that it is known also when the call ends before it.
    fn begin(&self, record: Record) -> Option<usize> {
        let mut requests = self.requests();
        if requests.records.len() == LOGGED {
            requests.more += 1;
            return None;
        }
        requests.records.push(record);
        Some(requests.records.len() - 1)
    }

    fn end(&self, place: Option<usize>, record: Record) {
        let mut requests = self.requests();
        if let Some(begun) = place.and_then(|place| requests.records.get_mut(place)) {
            *begun = record;
        }
    }

    /// What `store::calls::Call` keeps.
    pub(crate) fn written(&self) -> Value {
        let requests = self.requests();
        let mut written: Vec<Logged> = requests.records.iter().map(one).collect();
        if requests.more > 0 {
            written.push(Logged::More { more: requests.more });
        }
        json!(written)
    }

    /// What the guard refused, each host once.
    pub(crate) fn refusals(&self, server_id: Uuid, tool_name: &str) -> Vec<Refusal> {
        let mut refusals: Vec<Refusal> = Vec::new();
        for record in &self.requests().records {
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
        duration_us: i64::try_from(record.duration.as_micros()).unwrap_or(i64::MAX),
        redirects: redirects
            .map(|(status, to)| Redirect { status: *status, url: address(to) })
            .collect(),
        error,
    })
}

fn address(place: &Place) -> String {
    format!("{}{}", place.origin, place.path)
}
