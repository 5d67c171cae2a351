//! The body of an answer, as it comes: a stream of events.

use super::error::Error;
use super::limits;
use super::sse::{Event, Reader};
use crate::decode;
use crate::error::{Kind, RequestError};
use crate::lane::Reservation;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use std::time::Duration;

/// A body that is read part by part, of which no more is held than one event.
pub(crate) struct Events {
    body: Incoming,
    chunk: Bytes,
    reader: Reader,
    reservation: Reservation,
}

/// Where to take up a stream that ended too early.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mark {
    pub(crate) last_id: Option<String>,
    pub(crate) retry: Option<Duration>,
}

/// The next part of a body.
pub(crate) async fn part(body: &mut Incoming) -> Result<Option<Bytes>, Error> {
    loop {
        let Some(frame) = body.frame().await else { return Ok(None) };
        let frame = frame.map_err(|reason| {
            let message = "the answer broke off";
            Error::Broken(RequestError::new(Kind::ReadError, message).caused_by(reason))
        })?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}

impl Events {
    pub(crate) fn new(
        answer: http::Response<Incoming>,
        reservation: Reservation,
    ) -> Result<Self, Error> {
        if !decode::codings(answer.headers()).is_ok_and(|codings| codings.is_empty()) {
            return Err(Error::NotMcp("it compresses a stream, unasked".to_owned()));
        }
        let reader = Reader::new(limits::MESSAGE);
        Ok(Self { body: answer.into_body(), chunk: Bytes::new(), reader, reservation })
    }

    /// The next event. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            let event = self.reader.next(&mut self.chunk);
            let event = event.map_err(|_too_large| Error::TooLarge { most: limits::MESSAGE })?;
            if event.is_some() {
                return Ok(event);
            }
            self.reservation.grow_to(self.reader.held()).map_err(Error::of_request)?;
            match part(&mut self.body).await? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(None),
            }
        }
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { last_id: self.reader.last_id().map(str::to_owned), retry: self.reader.retry() }
    }
}
