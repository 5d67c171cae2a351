//! How a guest writes a request and reads its answer: a JSON head, then the body as it is.
//!
//! Both ways: four bytes (big-endian) with the length of the head, the head, the body to the end.
//! A header's value is text with one character for each of its bytes (ISO 8859-1).

use crate::error::{Kind, RequestError};
use crate::limits;
use crate::request::{Request, Timeouts};
use crate::response::{Head, Response};
use bytes::{Buf, Bytes};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The largest head, in bytes.
const LARGEST_HEAD: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestHead {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    timeout: TimeoutHead,
    #[serde(default)]
    follow_redirects: bool,
    #[serde(default = "most_redirects")]
    max_redirects: usize,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct TimeoutHead {
    connect: Option<f64>,
    read: Option<f64>,
    write: Option<f64>,
    pool: Option<f64>,
}

#[derive(Serialize)]
struct AnswerHead<'answer> {
    #[serde(flatten)]
    last: HopHead<'answer>,
    elapsed: f64,
    history: Vec<HopHead<'answer>>,
}

#[derive(Serialize)]
struct HopHead<'answer> {
    method: &'answer str,
    url: &'answer str,
    status: u16,
    reason: &'answer str,
    http_version: &'static str,
    headers: Vec<(&'answer str, String)>,
}

#[derive(Serialize)]
struct FailureHead {
    error: FailureBody,
}

#[derive(Serialize)]
struct FailureBody {
    kind: Kind,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

fn most_redirects() -> usize {
    limits::REDIRECTS
}

fn malformed(message: impl Into<String>) -> RequestError {
    RequestError::new(Kind::LocalProtocolError, message)
}

/// Reads what a guest asks for.
pub fn read_request(payload: Vec<u8>) -> Result<Request, RequestError> {
    let mut payload = Bytes::from(payload);
    let length = payload
        .try_get_u32()
        .map_err(|reason| malformed("the request has no head").caused_by(reason))?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > payload.len() || length > LARGEST_HEAD {
        return Err(malformed("the request's head is longer than it may be"));
    }
    let head: RequestHead = serde_json::from_slice(&payload.split_to(length))
        .map_err(|reason| malformed(format!("the request's head: {reason}")).caused_by(reason))?;
    let headers = head.headers.into_iter().map(|(name, value)| Ok((name, to_bytes(&value)?)));
    Ok(Request {
        method: head.method,
        url: head.url,
        headers: headers.collect::<Result<_, RequestError>>()?,
        body: payload,
        timeouts: Timeouts {
            connect: to_duration(head.timeout.connect)?,
            read: to_duration(head.timeout.read)?,
            write: to_duration(head.timeout.write)?,
            pool: to_duration(head.timeout.pool)?,
        },
        redirects: if head.follow_redirects { head.max_redirects } else { 0 },
        body_limit: limits::BODY,
    })
}

/// Writes what a guest gets.
pub fn write_answer(outcome: &Result<Response, RequestError>) -> Vec<u8> {
    match outcome {
        Ok(response) => write_response(response),
        Err(error) => write_failure(error),
    }
}

/// Writes what a guest gets in a trial run for a request that the guard refused: an empty answer with
/// status 403 that is marked as none of the host's.
pub fn write_stand_in(method: &str, url: &str, refusal: &RequestError) -> Vec<u8> {
    let headers =
        vec![("x-mcpbox-refused", refusal.to_string()), ("content-length", "0".to_owned())];
    let last = HopHead {
        method,
        url,
        status: 403,
        reason: "Forbidden",
        http_version: "HTTP/1.1",
        headers,
    };
    join(&AnswerHead { last, elapsed: 0.0, history: Vec::new() }, &[])
}

fn write_response(response: &Response) -> Vec<u8> {
    let head = AnswerHead {
        last: hop(&response.head),
        elapsed: response.elapsed.as_secs_f64(),
        history: response.history.iter().map(hop).collect(),
    };
    join(&head, &response.body)
}

fn write_failure(error: &RequestError) -> Vec<u8> {
    let body = FailureBody {
        kind: error.kind(),
        message: error.to_string(),
        host: error.target().map(|(host, _port)| host.to_string()),
        port: error.target().map(|(_host, port)| port),
    };
    join(&FailureHead { error: body }, &[])
}

fn hop(head: &Head) -> HopHead<'_> {
    HopHead {
        method: &head.method,
        url: &head.url,
        status: head.status,
        reason: &head.reason,
        http_version: head.http_version,
        headers: to_texts(&head.headers),
    }
}

/// Puts head and body together. A head of texts and numbers is always JSON, and never near 4 GB.
fn join(head: &impl Serialize, body: &[u8]) -> Vec<u8> {
    let head = serde_json::to_vec(head).unwrap_or_default();
    let length = u32::try_from(head.len()).unwrap_or_default();
    [&length.to_be_bytes(), head.as_slice(), body].concat()
}

fn to_texts(headers: &HeaderMap) -> Vec<(&str, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            (name.as_str(), value.as_bytes().iter().map(|byte| char::from(*byte)).collect())
        })
        .collect()
}

fn to_bytes(text: &str) -> Result<Vec<u8>, RequestError> {
    let bytes = text.chars().map(u8::try_from).collect::<Result<_, _>>();
    bytes.map_err(|reason| {
        malformed("a header's value holds a character beyond U+00FF").caused_by(reason)
    })
}

fn to_duration(seconds: Option<f64>) -> Result<Option<Duration>, RequestError> {
    let longest = limits::TOTAL.as_secs_f64();
    seconds
        .map(|seconds| {
            Duration::try_from_secs_f64(seconds.min(longest)).map_err(|reason| {
                malformed("a timeout is a number of seconds from 0").caused_by(reason)
            })
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::{Kind, RequestError, limits, read_request, write_answer};
    use crate::host::parse;
    use serde_json::{Value, json};
    use std::time::Duration;

    fn payload(head: &Value, body: &[u8]) -> Vec<u8> {
        super::join(head, body)
    }

    #[test]
    fn a_request_is_read_whole() {
        let head = json!({
            "method": "POST", "url": "https://a.example/", "headers": [["a", "é"], ["a", "b"]],
            "timeout": {"connect": 0.5, "read": 1e9, "pool": null}, "follow_redirects": true,
            "max_redirects": 3,
        });
        let request = read_request(payload(&head, b"\x00body")).unwrap();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://a.example/"));
        let headers = [("a".to_owned(), b"\xe9".to_vec()), ("a".to_owned(), b"b".to_vec())];
        assert_eq!(request.headers, headers);
        assert_eq!(request.body, b"\x00body".as_slice());
        assert_eq!(request.timeouts.connect, Some(Duration::from_millis(500)));
        assert_eq!(request.timeouts.read, Some(limits::TOTAL));
        assert_eq!(request.timeouts.write, None);
        assert_eq!(request.redirects, 3);
    }

    #[test]
    fn what_is_left_away_has_its_default() {
        let head = json!({"method": "GET", "url": "x"});
        let request = read_request(payload(&head, b"")).unwrap();
        assert_eq!((request.redirects, request.headers.len(), request.body.len()), (0, 0, 0));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let good = json!({"method": "GET", "url": "x"});
        let mut beyond = payload(&good, b"");
        beyond.pop();
        let unknown = json!({"method": "GET", "url": "x", "proxy": "http://a.example"});
        let wide = json!({"method": "GET", "url": "x", "headers": [["a", "\u{100}"]]});
        let negative = json!({"method": "GET", "url": "x", "timeout": {"read": -1}});
        for bytes in [
            vec![],
            vec![0, 0, 0],
            vec![0xff; 8],
            vec![0, 0, 0, 0],
            beyond,
            payload(&json!([]), b""),
            payload(&unknown, b""),
            payload(&wide, b""),
            payload(&negative, b""),
        ] {
            let refused = read_request(bytes).err().map(|error| error.kind());
            assert_eq!(refused, Some(Kind::LocalProtocolError));
        }
    }

    #[test]
    fn a_failure_says_what_and_where() {
        let error =
            RequestError::new(Kind::HostNotApproved, "ask").at(&parse("a.example").unwrap(), 443);
        let bytes = write_answer(&Err(error));
        let length = u32::from_be_bytes(bytes[..4].try_into().unwrap());
        assert_eq!(usize::try_from(length).unwrap(), bytes.len() - 4, "no body");
        let head: Value = serde_json::from_slice(&bytes[4..]).unwrap();
        let expected = json!({"error": {
            "kind": "HostNotApproved", "message": "ask", "host": "a.example", "port": 443,
        }});
        assert_eq!(head, expected);
    }
}
