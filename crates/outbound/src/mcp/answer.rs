//! The messages of an answer: one document, or a stream of events.

use super::error::Error;
use super::events::{self, Events, Mark};
use super::limits;
use super::message::{self, Message};
use super::refusal::quote;
use crate::decode::{self, Coding};
use crate::lane::Reservation;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use hyper::body::Incoming;
use std::collections::VecDeque;

/// An answer whose messages are read one by one.
pub(crate) struct Answer {
    form: Form,
    /// Messages that came together with one that was given.
    ready: VecDeque<Message>,
}

enum Form {
    Document { body: Incoming, received: Vec<u8>, codings: Vec<Coding>, reservation: Reservation },
    Events(Box<Events>),
    Nothing,
}

impl Answer {
    /// Looks at the head of an answer that is a success.
    pub(crate) async fn new(
        answer: http::Response<Incoming>,
        reservation: Reservation,
    ) -> Result<Self, Error> {
        let form = match content_type(answer.headers()).as_str() {
            "text/event-stream" => Form::Events(Box::new(Events::new(answer, reservation)?)),
            kind if kind == "application/json" || kind.ends_with("+json") => {
                let codings = decode::codings(answer.headers()).map_err(Error::of_request)?;
                let (body, received) = (answer.into_body(), Vec::new());
                Form::Document { body, received, codings, reservation }
            }
            kind => match nothing_or_start(answer).await? {
                None => Form::Nothing,
                Some(start) => {
                    let kind = if kind.is_empty() { "of no kind" } else { kind };
                    let text = quote(&start);
                    return Err(Error::NotMcp(format!("it answers with {kind}: {text}")));
                }
            },
        };
        Ok(Self { form, ready: VecDeque::new() })
    }

    /// The next message. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<Message>, Error> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(Some(message));
            }
            match &mut self.form {
                Form::Nothing => return Ok(None),
                Form::Document { body, received, codings, reservation } => {
                    while let Some(part) = events::part(body).await? {
                        if received.len() + part.len() > limits::MESSAGE {
                            return Err(Error::TooLarge { most: limits::MESSAGE });
                        }
                        reservation
                            .grow_to(received.len() + part.len())
                            .map_err(Error::of_request)?;
                        received.extend_from_slice(&part);
                    }
                    let whole = decode::decode(codings, std::mem::take(received), limits::MESSAGE)
                        .map_err(Error::of_request)?;
                    self.form = Form::Nothing;
                    if !whole.iter().all(u8::is_ascii_whitespace) {
                        self.ready = message::read(&whole)?.into();
                    }
                }
                Form::Events(events) => {
                    let Some(event) = events.next().await? else { return Ok(None) };
                    // An event without data only carries an identifier.
                    let of_us = matches!(event.name.as_str(), "" | "message");
                    if of_us && !event.data.iter().all(u8::is_ascii_whitespace) {
                        self.ready = message::read(&event.data)?.into();
                    }
                }
            }
        }
    }

    /// Reads what is left of a stream whose answer is there, so that the connection can be used again; for a
    /// moment, and nobody waits for it.
    pub(crate) fn drain(self) {
        if let Form::Events(mut events) = self.form {
            let rest = async move { while let Ok(Some(_event)) = events.next().await {} };
            drop(tokio::spawn(tokio::time::timeout(limits::DRAIN, rest)));
        }
    }

    /// Where to take up the stream, if it is one.
    pub(crate) fn mark(&self) -> Mark {
        match &self.form {
            Form::Events(events) => events.mark(),
            Form::Document { .. } | Form::Nothing => Mark::default(),
        }
    }
}

/// The media type, without its parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The beginning of a body of another kind; none where there is no body.
async fn nothing_or_start(answer: http::Response<Incoming>) -> Result<Option<Vec<u8>>, Error> {
    let accepted = matches!(answer.status(), StatusCode::ACCEPTED | StatusCode::NO_CONTENT);
    let start = start_of(answer.into_body()).await?;
    Ok(Some(start).filter(|start| !accepted && !start.is_empty()))
}

/// As much of a body as is worth reading where something is wrong.
pub(crate) async fn start_of(mut body: Incoming) -> Result<Vec<u8>, Error> {
    let mut start = Vec::new();
    while let Some(part) = events::part(&mut body).await? {
        start.extend_from_slice(&part);
        if start.len() >= limits::PROBLEM {
            start.truncate(limits::PROBLEM);
            break;
        }
    }
    Ok(start)
}
