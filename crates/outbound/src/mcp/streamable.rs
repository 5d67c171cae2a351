//! Streamable HTTP, in both eras: every message is a request of HTTP, answers may be streams.

use super::about::{About, Outgoing};
use super::answer::Answer;
use super::calls::{Calls, Outcome, Ticket};
use super::door::Door;
use super::error::{Error, RpcError};
use super::events::Mark;
use super::farewell::Farewell;
use super::message::{self, Message};
use super::start::{Era, Started};
use super::{limits, mirror};
use crate::request::Request;
use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use serde_json::{Value, json};
use std::sync::Arc;

mod opening;

pub(crate) use opening::begin;

/// A connection: in the modern era no more than the knowledge of it, else a session.
pub(crate) struct Streamable {
    door: Arc<Door>,
    calls: Arc<Calls>,
    about: Arc<About>,
    session: Option<String>,
    pub(crate) started: Started,
}

impl Streamable {
    fn era(&self) -> &Era {
        &self.started.era
    }

    /// Sends a request and waits for its result. Dropping the future tells the source.
    pub(crate) async fn request(self: &Arc<Self>, outgoing: &Outgoing) -> Result<Value, Error> {
        let ticket = self.calls.begin(outgoing.listener.clone(), &outgoing.patience);
        let mut farewell = self.farewell(ticket.id);
        tokio::select! {
            outcome = self.exchange(&ticket, outgoing) => {
                farewell.over();
                outcome
            }
            () = outgoing.patience.end() => Err(Error::Timeout(outgoing.patience.whole())),
        }
    }

    /// In the modern era ending the connection says it.
    fn farewell(self: &Arc<Self>, id: u64) -> Farewell {
        let of = Arc::clone(self);
        let telling = async move { of.tell(&Farewell::message(id)).await };
        Farewell::new((*self.era() != Era::Modern).then(|| telling.boxed()))
    }

    async fn exchange(&self, ticket: &Ticket, outgoing: &Outgoing) -> Result<Value, Error> {
        let request = self.post(ticket.id, outgoing);
        let answer = self.door.send(&request).await;
        let answer = answer.map_err(|error| self.explain(error, Some(ticket.id)))?;
        let answer = Answer::new(answer, self.door.reservation()).await?;
        self.finish(answer, ticket.id).await
    }

    /// The request of HTTP for a request of the protocol.
    fn post(&self, id: u64, outgoing: &Outgoing) -> Request {
        let framed = self.about.frame(self.era(), id, outgoing);
        let mut request = self.with_session(self.door.post(&framed), outgoing.method);
        if *self.era() == Era::Modern {
            request = request.header("Mcp-Method", outgoing.method);
            if let Some(name) = &outgoing.name {
                request = request.header("Mcp-Name", &mirror::encode(name));
            }
            for (name, value) in &outgoing.mirrored {
                request = request.header(name, value);
            }
        }
        request
    }

    /// Adds what tells revision and session.
    fn with_session(&self, mut request: Request, method: &str) -> Request {
        if let Some(session) = &self.session {
            request = request.header("Mcp-Session-Id", session);
        }
        let version = self.era().version();
        // Older revisions know no such header; before the session there is no revision.
        if method != "initialize" && version >= "2025-06-18" {
            request = request.header("MCP-Protocol-Version", version);
        }
        request
    }

    /// Reads until the answer is there. In a session, a stream that ended too early is taken up again.
    async fn finish(&self, mut answer: Answer, id: u64) -> Result<Value, Error> {
        let (mut mark, mut failures) = (Mark::default(), 0);
        loop {
            let ended = match self.pump(&mut answer, Some(id)).await {
                Ok(Some(outcome)) => {
                    answer.drain();
                    return outcome.map_err(Error::Rpc);
                }
                Ok(None) => Error::NoAnswer,
                Err(error @ Error::Broken(_)) => error,
                Err(error) => return Err(error),
            };
            let now = answer.mark();
            if now.last_id.is_some() && now.last_id != mark.last_id {
                failures = 0;
            }
            mark = Mark { last_id: now.last_id.or(mark.last_id), retry: now.retry.or(mark.retry) };
            if *self.era() == Era::Modern || mark.last_id.is_none() {
                return Err(ended);
            }
            answer = loop {
                failures += 1;
                if failures > limits::RESUMPTIONS {
                    return Err(ended);
                }
                match self.open_stream(&mark).await {
                    Ok(answer) => break answer,
                    Err(Error::NotSent(_) | Error::Broken(_)) => (),
                    // The request arrived, whatever becomes of the stream.
                    Err(_) => return Err(ended),
                }
            };
        }
    }

    /// Opens the stream of the session, or takes up one that ended, after the time that the source wants.
    async fn open_stream(&self, mark: &Mark) -> Result<Answer, Error> {
        let mut request = self.door.request("GET").header("Accept", "text/event-stream");
        if let Some(last) = &mark.last_id {
            let wait = mark.retry.unwrap_or(limits::RETRY);
            let wait = wait.clamp(limits::SHORTEST_RETRY, limits::LONGEST_RETRY);
            tokio::time::sleep(wait).await;
            request = request.header("Last-Event-ID", last);
        }
        let answer = self.door.send(&self.with_session(request, "GET")).await;
        let answer = answer.map_err(|error| self.explain(error, None))?;
        Answer::new(answer, self.door.reservation()).await
    }

    /// Reads a stream until the answer to `own` comes, or its end; meanwhile hands on what else comes, and
    /// answers what the source asks.
    async fn pump(&self, answer: &mut Answer, own: Option<u64>) -> Result<Option<Outcome>, Error> {
        let mut questions = FuturesUnordered::new();
        loop {
            let message = tokio::select! {
                Some(()) = questions.next() => continue,
                // Who asks too much is not read on.
                message = answer.next(), if questions.len() < limits::QUESTIONS => message?,
            };
            match message {
                None => {
                    // What is being answered may be what the source waits for.
                    while questions.next().await.is_some() {}
                    return Ok(None);
                }
                Some(Message::Answer { id, outcome }) => {
                    if own.is_some() && (id == own || id.is_none()) {
                        return Ok(Some(outcome));
                    }
                }
                Some(Message::Notification { method, params }) => {
                    self.calls.notified(own, &method, &params);
                }
                // In the modern era a source asks by its results alone.
                Some(Message::Request { .. }) if *self.era() == Era::Modern => (),
                Some(Message::Request { id, method, params }) => {
                    questions.push(self.reply(own, id, method, params));
                }
            }
        }
    }

    async fn reply(&self, own: Option<u64>, id: Value, method: String, params: Value) {
        let outcome = self.calls.ask(own, &method, &params).await;
        self.tell(&message::answer(&id, outcome)).await;
    }

    /// Sends what has no answer. That it did not arrive shows by what does not follow.
    async fn tell(&self, message: &Value) {
        let request = self.with_session(self.door.post(message), "");
        let sent = tokio::time::timeout(limits::START, self.door.deliver(&request)).await;
        if let Ok(Err(reason)) = sent {
            tracing::debug!(%reason, "a source did not take a message");
        }
    }

    /// Hands on what the source tells beside its answers, until it has nothing (more) to tell: it gives
    /// no such stream, or it failed too often.
    pub(crate) async fn listen(self: &Arc<Self>) -> Result<(), Error> {
        let (mut mark, mut failures) = (Mark::default(), 0);
        loop {
            let opened = match self.era() {
                Era::Modern => self.subscribe().await,
                Era::Session(_) => self.open_stream(&mark).await.map(|answer| (answer, None)),
            };
            let ended = match opened {
                Ok((mut answer, own)) => {
                    failures = 0;
                    let ended =
                        self.pump(&mut answer, own.as_ref().map(|own: &Ticket| own.id)).await;
                    let now = answer.mark();
                    mark = Mark { last_id: now.last_id.or(mark.last_id), retry: now.retry };
                    ended
                }
                Err(error) => Err(error),
            };
            match ended {
                Err(error) if is_no_stream(&error) => return Ok(()),
                Ok(Some(Err(error))) if matches!(error.code, -32601 | -32602) => return Ok(()),
                Err(
                    error @ (Error::SessionLost | Error::Unauthorized(_) | Error::Forbidden(_)),
                ) => {
                    return Err(error);
                }
                Err(error) if failures >= limits::RESUMPTIONS => return Err(error),
                _ => failures += 1,
            }
            let factor = 1 << failures.min(6);
            tokio::time::sleep((limits::RETRY * factor).min(limits::LONGEST_RETRY)).await;
        }
    }

    async fn subscribe(self: &Arc<Self>) -> Result<(Answer, Option<Ticket>), Error> {
        let patience = super::patience::Patience::new(limits::START);
        let ticket = self.calls.begin(None, &patience);
        let mut outgoing = Outgoing::new("subscriptions/listen", patience);
        let wanted = json!({"toolsListChanged": true});
        outgoing.params.insert("notifications".to_owned(), wanted);
        let answer = self.door.send(&self.post(ticket.id, &outgoing)).await;
        let answer = answer.map_err(|error| self.explain(error, Some(ticket.id)))?;
        Ok((Answer::new(answer, self.door.reservation()).await?, Some(ticket)))
    }

    /// Ends the session.
    pub(crate) async fn close(&self) {
        if self.session.is_some() {
            let request = self.with_session(self.door.request("DELETE"), "DELETE");
            // A source may keep its sessions to itself, or be gone.
            drop(tokio::time::timeout(limits::FAREWELL, self.door.send(&request)).await);
        }
    }

    /// What a status means for a request of this connection. An error that names the request is the answer to it,
    /// whatever its status and its words.
    fn explain(&self, error: Error, request: Option<u64>) -> Error {
        let Error::Status { status, text, within } = error else { return error };
        let about_session = || text.to_ascii_lowercase().contains("session");
        match (status, within) {
            (_, Some(told))
                if request.is_some()
                    && told.request == request
                    && !says_no_session(status, &told.error) =>
            {
                Error::Rpc(told.error)
            }
            (404, _) if self.session.is_some() => Error::SessionLost,
            (400, _) if self.session.is_some() && about_session() => Error::SessionLost,
            (_, Some(told)) => Error::Rpc(told.error),
            (status, None) => Error::Status { status, text, within: None },
        }
    }
}

/// How the official servers say that they know no such session; some name the request with it.
fn says_no_session(status: u16, told: &RpcError) -> bool {
    status == 404 && told.code == -32001 && told.message.to_ascii_lowercase().contains("session")
}

fn is_no_stream(error: &Error) -> bool {
    match error {
        Error::Status { status, .. } => matches!(status, 400 | 404 | 405 | 406 | 501),
        Error::Rpc(told) => matches!(told.code, -32601 | -32602 | -32000),
        Error::NotMcp(_) => true,
        _ => false,
    }
}
