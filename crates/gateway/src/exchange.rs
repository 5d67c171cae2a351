//! The answer to a request that runs something: JSON where that is all there is, a stream of events where something comes before it or it takes long.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use app::metrics;
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use tokio::time::timeout;

use crate::resumable::Answers;
use crate::rpc::{self, Error, Id};
use crate::running::Running;
use crate::server::Server;
use crate::session::Session;
use crate::talk::Way;
use crate::{events, result};

/// A request that nothing was said to for this long is answered as a stream, so that its client sees
/// that it is alive.
const QUIET: Duration = Duration::from_secs(10);

/// What comes from a run.
pub(crate) enum Frame {
    /// A message to the client.
    Message(String),
    /// There are questions that the client was not told.
    Asked,
    /// The result as JSON, or an error; the last.
    Answer(Result<String, Error>),
}

/// A request and what runs for it.
pub(crate) struct Exchange {
    pub(crate) id: Id,
    /// None once it has ended or waits for another request.
    pub(crate) running: Option<Running>,
    pub(crate) server: Arc<Server>,
    /// Whether the client takes a stream of events as the answer.
    pub(crate) streams: bool,
    /// The session whose client knows how to come back to a stream.
    pub(crate) session: Option<Arc<Session>>,
}

/// A part of an answer as a stream.
pub(crate) enum Part {
    Message(String),
    /// There was nothing to say for a while.
    Silence,
}

/// What an exchange says next.
enum Next {
    Message(String),
    Last(Result<String, Error>),
    /// The client took the request back.
    Cancelled,
}

impl Exchange {
    /// The answer.
    pub(crate) async fn respond(mut self) -> Response {
        let first = if self.streams {
            timeout(QUIET, self.next()).await.ok()
        } else {
            Some(self.last().await)
        };
        match first {
            Some(Next::Last(answer)) => json(&self.id, &answer),
            Some(Next::Message(message)) => self.stream(Some(message)),
            Some(Next::Cancelled) if self.streams => self.stream(None),
            Some(Next::Cancelled) => json(&self.id, &Err(cancelled())),
            None => self.stream(None),
        }
    }

    /// The answer as JSON text, for one message of a batch.
    pub(crate) async fn text(mut self) -> String {
        let answer = match self.last().await {
            Next::Last(answer) => answer,
            _ => Err(cancelled()),
        };
        text(&self.id, &answer)
    }

    /// Waits for the end; whoever takes no stream hears of nothing before it.
    async fn last(&mut self) -> Next {
        loop {
            match self.next().await {
                Next::Message(_) => {}
                last => return last,
            }
        }
    }

    async fn next(&mut self) -> Next {
        loop {
            let Some(running) = &mut self.running else { return Next::Cancelled };
            let giving_up = &self.server.door.giving_up;
            let Some(frame) = giving_up.run_until_cancelled(running.frames.recv()).await else {
                running.stop();
                self.running = None;
                return Next::Last(Err(given_up()));
            };
            match frame {
                Some(Frame::Message(message)) => return Next::Message(message),
                Some(Frame::Asked) => {
                    if let Some(asked) = self.suspend() {
                        return Next::Last(Ok(asked));
                    }
                }
                Some(Frame::Answer(answer)) => {
                    self.running = None;
                    return Next::Last(answer);
                }
                None => {
                    let was_cancelled = running.is_cancelled();
                    self.running = None;
                    return if was_cancelled {
                        Next::Cancelled
                    } else {
                        tracing::error!("a call ended without an answer");
                        Next::Last(Err(Error::internal()))
                    };
                }
            }
        }
    }

    /// Lays the run aside until the client has answered; the result that asks it. None where every
    /// question has been answered or given up meanwhile.
    fn suspend(&mut self) -> Option<String> {
        let running = self.running.take()?;
        let talk = Arc::clone(&running.talk);
        let Way::Alone { questions, binding, .. } = &talk.way else {
            self.running = Some(running);
            return None;
        };
        let open = questions.open();
        if open.is_empty() {
            self.running = Some(running);
            return None;
        }
        let state = self.server.suspended.keep(running, binding);
        Some(result::input_required(open, &state))
    }

    fn stream(mut self, first: Option<String>) -> Response {
        if let Some(session) = self.session.take() {
            return Answers::begin(&session, self, first);
        }
        // Something goes out at once, so that the client and all on the way see the beginning.
        let first = first.map_or_else(events::comment, |first| events::event(&first));
        let open = self.server.app.metrics().stream(metrics::Stream::Answer);
        let rest = stream::unfold((self, open), |(mut exchange, open)| async move {
            let chunk = match exchange.part().await? {
                Part::Message(message) => events::event(&message),
                Part::Silence => events::comment(),
            };
            Some((Ok::<_, Infallible>(chunk), (exchange, open)))
        });
        let first = stream::once(async { Ok::<_, Infallible>(first) });
        events::response(stream::StreamExt::chain(first, rest))
    }

    /// The next part of the stream; none behind its end.
    pub(crate) async fn part(&mut self) -> Option<Part> {
        self.running.as_ref()?;
        match timeout(events::HEARTBEAT, self.next()).await {
            Ok(Next::Message(message)) => Some(Part::Message(message)),
            Ok(Next::Last(answer)) => Some(Part::Message(text(&self.id, &answer))),
            Ok(Next::Cancelled) => None,
            Err(_silent) => {
                let sign = self.running.as_ref().and_then(|running| running.talk.sign_of_life());
                Some(sign.map_or(Part::Silence, Part::Message))
            }
        }
    }

    /// Ends what runs at once.
    pub(crate) fn stop(&self) {
        if let Some(running) = &self.running {
            running.stop();
        }
    }
}

/// The answer to a request as JSON text.
pub(crate) fn text(id: &Id, answer: &Result<String, Error>) -> String {
    match answer {
        Ok(result) => rpc::answer(id, result),
        Err(error) => error.body(Some(id)),
    }
}

/// The answer to a request as a response of its own.
pub(crate) fn json(id: &Id, answer: &Result<String, Error>) -> Response {
    let status = answer.as_ref().map_or_else(|error| error.status, |_| StatusCode::OK);
    json_response(status, text(id, answer))
}

/// JSON as a response.
pub(crate) fn json_response(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn given_up() -> Error {
    Error::failure(
        "this process is ending and could not wait for the end of this request, which was stopped where it stood: find out what it has done before you send it again",
    )
}

fn cancelled() -> Error {
    Error::new(StatusCode::OK, rpc::CANCELLED, "the request was cancelled")
}
