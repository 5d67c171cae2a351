//! Streams of events, as the HTML standard has them: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use futures::Stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};

/// The media type of a stream.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";

/// How long a stream is silent at most, so that nothing on the way takes it for dead.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

/// After how long a client that lost its connection is to come back.
const RETRY_MILLISECONDS: u32 = 1_000;

/// What readers pass over, so that something goes out.
pub(crate) const fn comment() -> Bytes {
    Bytes::from_static(b": keep-alive\n\n")
}

/// A message as an event. JSON has no line ends of its own.
pub(crate) fn event(message: &str) -> Bytes {
    Bytes::from(format!("event: message\ndata: {message}\n\n"))
}

/// The same, with the name that a client gives to come back behind it (`Last-Event-ID`).
pub(crate) fn event_with_id(id: &str, message: &str) -> Bytes {
    Bytes::from(format!("id: {id}\nevent: message\ndata: {message}\n\n"))
}

/// An event without a message, which says where a client that loses the connection comes back to, and when.
pub(crate) fn beginning(id: &str) -> Bytes {
    Bytes::from(format!("id: {id}\nretry: {RETRY_MILLISECONDS}\ndata:\n\n"))
}

/// A response that goes on for as long as the stream does.
pub(crate) fn response(
    stream: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
) -> Response {
    let mut response = Body::from_stream(stream).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    // Proxies such as nginx otherwise keep events back until they have enough of them.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
