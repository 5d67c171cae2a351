//! One request and its answer on a caller's connections, each step with its own patience.

use crate::decode;
use crate::error::{Kind, RequestError};
use crate::lane::{Lane, Reservation};
use crate::limits;
use crate::request::{Checked, Timeouts};
use crate::upload::Upload;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::{self, connect::capture_connection};
use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;

/// Methods whose requests say that their body is empty.
const EXPECT_BODY: [Method; 3] = [Method::POST, Method::PUT, Method::PATCH];

/// Sends a request and waits for the head of its answer.
pub(crate) async fn ask(
    lane: &Lane,
    checked: &Checked,
    timeouts: Timeouts,
) -> Result<http::Response<Incoming>, RequestError> {
    let answer = match send(lane, checked, timeouts).await {
        // The peer may have closed a connection that was kept in the moment it was used again.
        Err(error) if checked.method.is_idempotent() && broke_off(&error) => {
            send(lane, checked, timeouts).await?
        }
        answer => answer?,
    };
    check_size(answer.headers())?;
    Ok(answer)
}

async fn send(
    lane: &Lane,
    checked: &Checked,
    timeouts: Timeouts,
) -> Result<http::Response<Incoming>, RequestError> {
    let (upload, progress) = Upload::new(checked.body.clone());
    let mut request = http::Request::new(upload);
    *request.method_mut() = checked.method.clone();
    *request.uri_mut() = checked.target.uri().clone();
    *request.headers_mut() = checked.headers.clone();
    if checked.body.is_empty() && EXPECT_BODY.contains(&checked.method) {
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut connection = capture_connection(&mut request);
    let mut answer = pin!(lane.client.request(request));
    let connect = timeouts.connect.unwrap_or(limits::CONNECT);
    tokio::select! {
        biased;
        answer = &mut answer => return answer.map_err(|error| explain(error, &progress)),
        _ = connection.wait_for_connection_metadata() => (),
        () = tokio::time::sleep(connect) => {
            return Err(RequestError::new(Kind::ConnectTimeout, "connecting took too long"));
        }
    }
    wait(answer, progress, timeouts).await
}

/// Waits while the body leaves and the answer's head comes.
async fn wait(
    mut answer: impl Future<Output = Result<http::Response<Incoming>, legacy::Error>> + Unpin,
    mut progress: watch::Receiver<usize>,
    timeouts: Timeouts,
) -> Result<http::Response<Incoming>, RequestError> {
    let mut leaving = true;
    loop {
        leaving = leaving && *progress.borrow_and_update() > 0;
        let patience = if leaving { timeouts.write } else { timeouts.read };
        tokio::select! {
            answer = &mut answer => return answer.map_err(|error| explain(error, &progress)),
            moved = progress.changed(), if leaving => leaving = moved.is_ok(),
            () = tokio::time::sleep(patience.unwrap_or(limits::TOTAL)) => {
                return Err(if leaving {
                    RequestError::new(Kind::WriteTimeout, "the peer takes the request too slowly")
                } else {
                    RequestError::new(Kind::ReadTimeout, "no answer came in time")
                });
            }
        }
    }
}

/// Whether a connection ended before anything of an answer came.
fn broke_off(error: &RequestError) -> bool {
    let incomplete = || {
        let mut causes = chain(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>());
        causes.any(hyper::Error::is_incomplete_message)
    };
    matches!(error.kind(), Kind::ReadError | Kind::WriteError) || incomplete()
}

/// The HTTP library bounds what it reads, but only about where it should.
fn check_size(headers: &HeaderMap) -> Result<(), RequestError> {
    let bytes: usize =
        headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if headers.len() > limits::HEADER_FIELDS || bytes > limits::HEADER_BYTES {
        let message = "the answer's headers are too many or too large";
        return Err(RequestError::new(Kind::RemoteProtocolError, message));
    }
    Ok(())
}

/// Receives a body of at most `most` bytes.
pub(crate) async fn receive(
    mut body: Incoming,
    most: usize,
    patience: Option<Duration>,
    reservation: &mut Reservation,
) -> Result<Vec<u8>, RequestError> {
    let announced = usize::try_from(hyper::body::Body::size_hint(&body).lower());
    if announced.is_ok_and(|announced| announced > most) {
        return Err(decode::too_large(most));
    }
    let mut received = Vec::new();
    loop {
        let frame = tokio::time::timeout(patience.unwrap_or(limits::TOTAL), body.frame());
        let frame = frame.await.map_err(|elapsed| {
            let message = "the answer's next part did not come in time";
            RequestError::new(Kind::ReadTimeout, message).caused_by(elapsed)
        })?;
        let Some(frame) = frame else {
            return Ok(received);
        };
        let frame = frame.map_err(|error| {
            let kind = kind_of(&error, Kind::ReadError);
            RequestError::new(kind, "the answer broke off").caused_by(error)
        })?;
        if let Some(part) = frame.data_ref() {
            let length = received.len() + part.len();
            if length > most {
                return Err(decode::too_large(most));
            }
            reservation.grow_to(length)?;
            received.extend_from_slice(part);
        }
    }
}

/// Says what a request failed of.
fn explain(error: legacy::Error, progress: &watch::Receiver<usize>) -> RequestError {
    let of_connector = chain(&error).find_map(|cause| cause.downcast_ref::<RequestError>());
    if let Some(cause) = of_connector {
        let copied = RequestError::new(cause.kind(), cause.to_string());
        let copied = match cause.target() {
            Some((host, port)) => copied.at(host, port),
            None => copied,
        };
        return copied.caused_by(error);
    }
    let broken = if *progress.borrow() > 0 { Kind::WriteError } else { Kind::ReadError };
    let kind = kind_of(&error, broken);
    let message = match kind {
        Kind::RemoteProtocolError => "the peer's answer is no HTTP, or too large a head of it",
        Kind::WriteError => "the connection broke while the request was being sent",
        _ => "the connection broke before the answer came",
    };
    RequestError::new(kind, message).caused_by(error)
}

/// Tells a broken connection (`broken`) from a peer that does not keep to the protocol.
fn kind_of(error: &(dyn Error + 'static), broken: Kind) -> Kind {
    let protocol =
        chain(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>()).any(|cause| {
            cause.is_parse() || cause.is_incomplete_message() || cause.is_parse_too_large()
        });
    let connection = chain(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| !is_about_content(cause.kind()));
    if connection && !protocol { broken } else { Kind::RemoteProtocolError }
}

/// Whether such an error comes from what was read rather than from reading.
fn is_about_content(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof
    )
}

fn chain<'error>(
    error: &'error (dyn Error + 'static),
) -> impl Iterator<Item = &'error (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'error (dyn Error + 'static) = *error;
        error.source()
    })
}
