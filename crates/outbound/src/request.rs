//! What is asked for, and the checks it has to pass before anything is sent.

use crate::error::{Kind, RequestError};
use crate::limits;
use crate::target::Target;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::time::Duration;

/// Fields by which one message could be made to look like two, or a connection like another.
const REFUSED_FIELDS: [&str; 7] =
    ["transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "expect", "http2-settings"];

/// A request as a tool wrote it: nothing of it has been checked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// An absolute URL.
    pub url: String,
    /// Names and values, in order; repeats are kept.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, which may be empty.
    pub body: Bytes,
    /// How long the request itself wants to wait.
    pub timeouts: Timeouts,
    /// How many redirects to follow; with 0 a redirect is the answer. At most
    /// [`limits::REDIRECTS`] are followed.
    pub redirects: usize,
    /// The most bytes of the answer's body, after decompression.
    pub body_limit: usize,
}

/// How long each step may take. Without one, the bounds of [`limits`] are the only ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timeouts {
    /// Finding the addresses, connecting and the TLS handshake.
    pub connect: Option<Duration>,
    /// Waiting for the next part of the answer.
    pub read: Option<Duration>,
    /// Waiting for the next part of the request to leave.
    pub write: Option<Duration>,
    /// Waiting for a place among the requests under way.
    pub pool: Option<Duration>,
}

impl Request {
    /// A request without body and headers that follows no redirect.
    pub fn new(method: &str, url: &str) -> Self {
        Self {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
            timeouts: Timeouts::default(),
            redirects: 0,
            body_limit: limits::BODY,
        }
    }

    /// The same with one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    /// The same with this body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The same, following as many redirects.
    pub fn redirects(mut self, most: usize) -> Self {
        self.redirects = most;
        self
    }
}

/// A request that passed the checks; whether its host is allowed is not among them.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Checked {
    pub(crate) fn new(request: &Request) -> Result<Self, RequestError> {
        let target = Target::parse(&request.url)?;
        if request.body.len() > limits::BODY {
            let message = format!("a request's body may have {} bytes", limits::BODY);
            return Err(RequestError::new(Kind::RequestTooLarge, message));
        }
        Ok(Self {
            method: check_method(&request.method)?,
            headers: check_headers(&request.headers, &target, request.body.len())?,
            body: request.body.clone(),
            target,
        })
    }
}

fn refused(message: impl Into<String>) -> RequestError {
    RequestError::new(Kind::LocalProtocolError, message)
}

fn check_method(text: &str) -> Result<Method, RequestError> {
    let method = Method::from_bytes(text.as_bytes())
        .map_err(|reason| refused("the method is no HTTP token").caused_by(reason))?;
    if text.len() > 32 || method == Method::CONNECT || method == Method::TRACE {
        return Err(refused("this method is not available: use GET, POST, PUT, PATCH, DELETE …"));
    }
    Ok(method)
}

fn check_headers(
    fields: &[(String, Vec<u8>)],
    target: &Target,
    body_length: usize,
) -> Result<HeaderMap, RequestError> {
    let bytes: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    if fields.len() > limits::HEADER_FIELDS || bytes > limits::HEADER_BYTES {
        return Err(refused(format!(
            "a request may have {} headers of {} bytes together",
            limits::HEADER_FIELDS,
            limits::HEADER_BYTES
        )));
    }
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|reason| refused("a header's name is no HTTP token").caused_by(reason))?;
        let value = HeaderValue::from_bytes(value).map_err(|reason| {
            refused(format!("header '{name}' holds a character that no header may hold"))
                .caused_by(reason)
        })?;
        if is_sent(&name, &value, target, body_length)? {
            headers.append(name, value);
        }
    }
    Ok(headers)
}

/// Whether a field goes out as it is. Those about the connection and the length of the message
/// are ours: a tool may repeat what they will be, and nothing else.
fn is_sent(
    name: &HeaderName,
    value: &HeaderValue,
    target: &Target,
    body_length: usize,
) -> Result<bool, RequestError> {
    let text = value.as_bytes();
    if REFUSED_FIELDS.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
        return Err(refused(format!("header '{name}' cannot be set: the connection is mcpbox's")));
    }
    if *name == CONNECTION {
        if text.eq_ignore_ascii_case(b"keep-alive") || text.eq_ignore_ascii_case(b"close") {
            return Ok(false);
        }
        return Err(refused("header 'connection' may be keep-alive or close, nothing else"));
    }
    if *name == CONTENT_LENGTH {
        if text == body_length.to_string().as_bytes() {
            return Ok(false);
        }
        return Err(refused(format!("header 'content-length' must be {body_length} here")));
    }
    if *name == HOST {
        if target.is_host_field(text) {
            return Ok(false);
        }
        return Err(refused(format!("header 'host' must be the URL's, '{}'", target.authority())));
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::{Checked, Kind, Request, limits};

    fn check(request: &Request) -> Result<Checked, Kind> {
        Checked::new(request).map_err(|error| error.kind())
    }

    fn with_header(name: &str, value: &[u8]) -> Result<Checked, Kind> {
        let mut request = Request::new("POST", "http://api.example.com:8080/a").body("four");
        request.headers.push((name.to_owned(), value.to_vec()));
        check(&request)
    }

    #[test]
    fn fields_pass_with_their_bytes_and_their_repeats() {
        let mut request = Request::new("GET", "https://api.example.com/");
        for value in [&b"a"[..], b"b\tc d", b"\xe9\xff", b""] {
            request.headers.push(("X-Custom".to_owned(), value.to_vec()));
        }
        let checked = check(&request).unwrap();
        let values: Vec<_> = checked.headers.get_all("x-custom").iter().collect();
        assert_eq!(values, [&b"a"[..], b"b\tc d", b"\xe9\xff", b""]);
    }

    #[test]
    fn nothing_that_could_end_a_field_or_a_name_passes() {
        for value in [&b"a\r\nX: b"[..], b"a\nb", b"a\rb", b"a\0b", b"\x7f", b"\x1b[0m", b"\n"] {
            assert_eq!(with_header("X-Custom", value).err(), Some(Kind::LocalProtocolError));
        }
        for name in ["", "a b", "a:", ":authority", "a\r\nb", "a\0", "bücher", "a\tb", "a(b)"] {
            let refused = with_header(name, b"value").err();
            assert_eq!(refused, Some(Kind::LocalProtocolError), "{name:?}");
        }
    }

    #[test]
    fn the_connection_and_the_length_are_not_the_tools() {
        for (name, value) in [
            ("Transfer-Encoding", "chunked"),
            ("transfer-encoding", "identity"),
            ("TE", "trailers"),
            ("Trailer", "X"),
            ("Upgrade", "websocket"),
            ("Expect", "100-continue"),
            ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
            ("Proxy-Authorization", "Basic x"),
            ("Proxy-Connection", "keep-alive"),
            ("Connection", "upgrade"),
            ("Connection", "close, x-custom"),
            ("Content-Length", "5"),
            ("Content-Length", "+4"),
            ("Content-Length", "4, 4"),
            ("Host", "evil.example"),
            ("Host", "api.example.com"),
            ("Host", "api.example.com:80"),
        ] {
            let refused = with_header(name, value.as_bytes()).err();
            assert_eq!(refused, Some(Kind::LocalProtocolError), "{name}: {value}");
        }
        for (name, value) in [
            ("Connection", "Keep-Alive"),
            ("Connection", "close"),
            ("Content-Length", "4"),
            ("Host", "API.example.com:8080"),
        ] {
            let checked = with_header(name, value.as_bytes()).unwrap();
            assert!(checked.headers.is_empty(), "{name} is set by the client itself");
        }
    }

    #[test]
    fn a_method_is_a_token_that_opens_no_tunnel() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"] {
            assert!(check(&Request::new(method, "http://a.example/")).is_ok(), "{method}");
        }
        for method in ["", "CONNECT", "TRACE", "GET /", "GET\r\n", "G\0T", "GÉT", &"A".repeat(33)]
        {
            let refused = check(&Request::new(method, "http://a.example/")).err();
            assert_eq!(refused, Some(Kind::LocalProtocolError), "{method:?}");
        }
    }

    #[test]
    fn size_is_bounded() {
        let sized = |length| Request::new("POST", "http://a.example/").body(vec![0; length]);
        assert!(check(&sized(limits::BODY)).is_ok());
        assert_eq!(check(&sized(limits::BODY + 1)).err(), Some(Kind::RequestTooLarge));
        let fields = |count| {
            (0..count).fold(Request::new("GET", "http://a.example/"), |request, number| {
                request.header(&format!("x-{number}"), "value")
            })
        };
        assert!(check(&fields(limits::HEADER_FIELDS)).is_ok());
        assert_eq!(check(&fields(limits::HEADER_FIELDS + 1)).err(), Some(Kind::LocalProtocolError));
        assert!(with_header("x", &vec![b'a'; limits::HEADER_BYTES - 5]).is_ok());
        let refused = with_header("x", &vec![b'a'; limits::HEADER_BYTES - 4]).err();
        assert_eq!(refused, Some(Kind::LocalProtocolError));
    }
}
