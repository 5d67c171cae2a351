//! A POST to `/mcp`: one message of a client, or the batch that revision 2025-03-26 knows, and what answers it.

use std::sync::Arc;

use app::client_sessions::New;
use axum::body::to_bytes;
use axum::extract::Request as HttpRequest;
use axum::response::{IntoResponse as _, Response};
use futures::future::join_all;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use crate::exchange::{self, Exchange};
use crate::gate::{self, SESSION_ID};
use crate::identity::Identity;
use crate::methods::{self, Kind};
use crate::problem::Problem;
use crate::rpc::{self, Error, Message, Notification, Request};
use crate::running::Running;
use crate::server::{Asker, Server};
use crate::session::Session;
use crate::version::{self, Version};
use crate::{client, events, rates, runs, standalone, streams};

/// The largest body of a request.
const BODY_MAX_BYTES: usize = 4 * 1024 * 1024;

/// The most messages of a batch.
const BATCH_MAX: usize = 50;

/// What came with a message.
struct Arrival<'a> {
    server: &'a Arc<Server>,
    identity: Identity,
    headers: HeaderMap,
    /// Whether the client takes a stream of events as the answer.
    streams: bool,
}

/// Serves a POST.
///
/// # Errors
/// Where it does not get as far as JSON-RPC.
pub(crate) async fn serve(
    server: &Arc<Server>,
    identity: Identity,
    request: HttpRequest,
) -> Result<Response, Problem> {
    let (Parts { headers, .. }, body) = request.into_parts();
    if !is_json(&headers) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send JSON, with `Content-Type: application/json`",
        ));
    }
    let streams = gate::accepts(&headers, events::MEDIA_TYPE);
    if !streams && !gate::accepts(&headers, "application/json") {
        return Err(Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "answers are JSON or streams of events; send `Accept: application/json, text/event-stream`",
        ));
    }
    if is_too_long(&headers) {
        return Ok(too_long());
    }
    // Any other failure to read means that the client is gone and nobody reads the answer.
    let Ok(body) = to_bytes(body, BODY_MAX_BYTES).await else {
        return Ok(too_long());
    };
    let arrival = Arrival { server, identity, headers, streams };
    match rpc::read(&body) {
        Ok(Value::Array(messages)) => arrival.batch(messages).await,
        Ok(message) => match rpc::message(message) {
            Ok(Message::Request(request)) => arrival.request(request).await,
            Ok(Message::Notification(notification)) => arrival.notification(&notification).await,
            Ok(Message::Response(response)) => arrival.response(response).await,
            Err((id, error)) => Ok(refused(id.as_ref(), &error)),
        },
        Err(error) => Ok(refused(None, &error)),
    }
}

impl Arrival<'_> {
    /// Refuses what would begin while this process ends.
    fn begins(&self) -> Result<(), Problem> {
        if self.server.door.shutdown.is_cancelled() { Err(gate::ending()) } else { Ok(()) }
    }

    async fn request(self, request: Request) -> Result<Response, Problem> {
        if version::stands_alone(&self.headers, &request.method, &request.params) {
            return self.alone(request).await;
        }
        self.begins()?;
        if request.method == "initialize" {
            return self.initialize(&request).await;
        }
        let session = self.session().await?;
        let asker = Asker::of_session(self.identity.clone(), session);
        Ok(match methods::kind(&request.method, asker.version) {
            Kind::Run => self.run(asker, request).await?,
            Kind::Answer => self.answered(&asker, &request).await,
            // 404 would say that the session has ended.
            Kind::Listen | Kind::Unknown => unknown(&request, StatusCode::OK),
        })
    }

    /// A request that stands alone. While this process ends, it may go on with a run that is kept here.
    async fn alone(self, request: Request) -> Result<Response, Problem> {
        if !request.params.contains_key("requestState") {
            self.begins()?;
        }
        let statement = match standalone::check(&self.headers, &request) {
            Ok(statement) => statement,
            Err(error) => return Ok(refused(Some(&request.id), &error)),
        };
        let asker = Asker {
            identity: self.identity.clone(),
            version: Version::July2026,
            client: statement.client,
            abilities: statement.abilities,
            log_level: statement.log_level,
            session: None,
        };
        let kind = methods::kind(&request.method, asker.version);
        let resumed = match kind {
            Kind::Run => self.resumed(&asker, &request).await,
            _ => Ok(None),
        };
        if let Ok(Some(running)) = resumed {
            return Ok(self.exchange(request.id, running, None).respond().await);
        }
        self.begins()?;
        if let Err(error) = resumed {
            return Ok(refused(Some(&request.id), &error));
        }
        Ok(match kind {
            Kind::Run => self.run(asker, request).await?,
            Kind::Answer => self.answered(&asker, &request).await,
            Kind::Listen => {
                let server = Arc::clone(self.server);
                let id = request.id.clone();
                let listening = streams::listen(server, self.identity, id, &request.params).await;
                listening.unwrap_or_else(|error| refused(Some(&request.id), &error))
            }
            Kind::Unknown => unknown(&request, StatusCode::NOT_FOUND),
        })
    }

    /// The run that waits for what this request brings, if one does.
    async fn resumed(&self, asker: &Asker, request: &Request) -> Result<Option<Running>, Error> {
        runs::check_headers(self.server, &self.headers, request).await?;
        runs::resume(self.server, asker, request)
    }

    /// A run of its own.
    async fn run(&self, asker: Asker, request: Request) -> Result<Response, Problem> {
        let counted = rates::count(self.server, &asker, &request).await?;
        if let Some(refused) = counted.as_ref().and_then(rates::Run::refused) {
            return Err(refused);
        }
        let mut response = self.started(asker, request).respond().await;
        rates::tell(counted, &mut response);
        Ok(response)
    }

    /// A run that begins now.
    fn started(&self, asker: Asker, request: Request) -> Exchange {
        let id = request.id.clone();
        let session = asker.session.clone();
        let running = runs::start(self.server, asker, request, &self.headers, self.streams);
        self.exchange(id, running, session)
    }

    fn exchange(&self, id: rpc::Id, running: Running, session: Option<Arc<Session>>) -> Exchange {
        let (server, streams) = (Arc::clone(self.server), self.streams);
        let session = session.filter(|session| session.comes_back());
        Exchange { id, running: Some(running), server, streams, session }
    }

    async fn answered(&self, asker: &Asker, request: &Request) -> Response {
        let answer = methods::answer(self.server, asker, request).await;
        exchange::json(&request.id, &answer)
    }

    /// Begins a session.
    async fn initialize(self, request: &Request) -> Result<Response, Problem> {
        let params = &request.params;
        let Some(asked) = params.get("protocolVersion").and_then(Value::as_str) else {
            let text = "Invalid params for initialize: `protocolVersion` must be a string, such as \"2025-11-25\"";
            return Ok(refused(Some(&request.id), &Error::invalid_params(text)));
        };
        let version = Version::negotiated(asked);
        let capabilities = params.get("capabilities").and_then(Value::as_object);
        let catalog = self.server.catalogs.get().await?;
        let new = New {
            owner: self.identity.token(),
            protocol_version: version.as_str(),
            client: params.get("clientInfo").and_then(client::name),
            abilities: capabilities
                .map(|capabilities| client::abilities_in(version, capabilities))
                .unwrap_or_default(),
        };
        let session = self.server.sessions.open(new, catalog.prints).await?;
        let result = methods::initialized(version);
        let mut response = exchange::json(&request.id, &Ok(result));
        if let Ok(id) = HeaderValue::from_str(&session.id) {
            response.headers_mut().insert(SESSION_ID, id);
        }
        Ok(response)
    }

    async fn notification(self, notification: &Notification) -> Result<Response, Problem> {
        // Requests that stand alone are taken back by closing their connection.
        let alone =
            version::stands_alone(&self.headers, &notification.method, &notification.params);
        if !alone {
            let session = self.session().await?;
            notified(&session, notification);
        }
        Ok(StatusCode::ACCEPTED.into_response())
    }

    async fn response(self, response: rpc::Response) -> Result<Response, Problem> {
        if version::is_modern_header(&self.headers) {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "in this revision of the protocol the server makes no requests; answers to its questions come in `inputResponses` of the repeated request",
            ));
        }
        let session = self.session().await?;
        if !session.answered(&response.id, response.outcome) {
            tracing::debug!("a client answered what nobody asks any more");
        }
        Ok(StatusCode::ACCEPTED.into_response())
    }

    /// An array of messages, which one revision allows.
    async fn batch(self, messages: Vec<Value>) -> Result<Response, Problem> {
        self.begins()?;
        let refuse = |what: &str| {
            let error = Error::invalid_request(format!("Invalid Request: {what}"));
            Ok(refused(None, &error))
        };
        let unknown = "batches are not part of this revision; send one message per request";
        if version::is_modern_header(&self.headers) || !self.headers.contains_key(SESSION_ID) {
            return refuse(unknown);
        }
        let session = self.session().await?;
        if session.version > Version::March2025 {
            return refuse(unknown);
        }
        if messages.is_empty() || messages.len() > BATCH_MAX {
            return refuse(&format!("a batch holds 1 to {BATCH_MAX} messages"));
        }
        let asker = Asker::of_session(self.identity.clone(), Arc::clone(&session));
        let arrival = Arrival { streams: false, ..self };
        let messages = messages.into_iter().enumerate();
        let answers =
            messages.map(|(place, message)| arrival.of_batch(&asker, message, place == 0));
        let answers: Vec<String> = join_all(answers).await.into_iter().flatten().collect();
        if answers.is_empty() {
            return Ok(StatusCode::ACCEPTED.into_response());
        }
        Ok(exchange::json_response(StatusCode::OK, format!("[{}]", answers.join(","))))
    }

    /// The answer to one message of a batch; none for what wants none.
    async fn of_batch(&self, asker: &Asker, message: Value, is_first: bool) -> Option<String> {
        let request = match rpc::message(message) {
            Ok(Message::Request(request)) => request,
            Ok(Message::Notification(notification)) => {
                if let Some(session) = &asker.session {
                    notified(session, &notification);
                }
                return None;
            }
            Ok(Message::Response(response)) => {
                let session = asker.session.as_ref()?;
                let _is_asked = session.answered(&response.id, response.outcome);
                return None;
            }
            Err((id, error)) => return Some(error.body(id.as_ref())),
        };
        let counted = rates::count_in_batch(self.server, asker, &request, is_first).await;
        if let Err(refused) = counted {
            return Some(refused.body(Some(&request.id)));
        }
        Some(match methods::kind(&request.method, asker.version) {
            Kind::Run => self.started(asker.clone(), request).text().await,
            Kind::Answer => {
                let answer = methods::answer(self.server, asker, &request).await;
                exchange::text(&request.id, &answer)
            }
            Kind::Listen | Kind::Unknown => {
                Error::method_not_found(&request.method).body(Some(&request.id))
            }
        })
    }

    /// The session of the request, in a revision that has sessions.
    async fn session(&self) -> Result<Arc<Session>, Problem> {
        let named = version::named_by(&self.headers);
        if let Some(named) = named.filter(|named| Version::named(named).is_none()) {
            let supported = Version::names().join(", ");
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                format!("`MCP-Protocol-Version: {named}` is none of {supported}"),
            ));
        }
        gate::session_of(self.server, &self.identity, &self.headers).await
    }
}

/// What a notification does; those that nobody knows do nothing.
fn notified(session: &Session, notification: &Notification) {
    if notification.method == "notifications/cancelled"
        && let Some(id) = notification.params.get("requestId").and_then(rpc::Id::of)
    {
        session.cancel(&id);
    }
}

fn unknown(request: &Request, status: StatusCode) -> Response {
    let error = Error { status, ..Error::method_not_found(&request.method) };
    refused(Some(&request.id), &error)
}

fn refused(id: Option<&rpc::Id>, error: &Error) -> Response {
    exchange::json_response(error.status, error.body(id))
}

/// Whether the body is said to be longer than what is taken, so that nobody has to send it.
fn is_too_long(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|length| length > BODY_MAX_BYTES as u64)
}

fn too_long() -> Response {
    let text = format!(
        "Invalid Request: the body is larger than {BODY_MAX_BYTES} bytes; send less at once"
    );
    refused(None, &Error::new(StatusCode::PAYLOAD_TOO_LARGE, -32600, text))
}

/// Whether the body is said to be JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}
