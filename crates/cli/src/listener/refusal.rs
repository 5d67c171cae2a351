//! What the listener answers itself: while the program stops, and to heads that are too much.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, Version};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

/// The most header fields of a request.
pub(super) const HEADER_FIELDS: usize = 100;

/// The most bytes of a request's head.
pub(super) const HEAD_BYTES: usize = 64 * 1024;

/// When to try again at a program that is about to end, in seconds: another may take its place.
const TRY_AGAIN: u16 = 5;

/// What is wrong with the head of a request, if anything is.
pub(super) fn of_head<B>(request: &mut Request<B>) -> Option<Response> {
    if request.headers().len() > HEADER_FIELDS {
        let detail = format!("a request may have at most {HEADER_FIELDS} header fields");
        return Some(problem(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &detail));
    }
    if request.version() != Version::HTTP_2 {
        return None;
    }
    // In HTTP/2 the address takes the place of the header that the doors check.
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let authority = authority.and_then(|text| HeaderValue::try_from(text).ok());
    match (authority, request.headers().get(HOST)) {
        (Some(authority), Some(host)) if authority != *host => {
            let detail = "`:authority` and `host` name different servers; send one of them";
            Some(problem(StatusCode::BAD_REQUEST, detail))
        }
        (Some(authority), None) => {
            request.headers_mut().insert(HOST, authority);
            None
        }
        _ => None,
    }
}

/// The answer to whatever comes while the program stops.
pub(super) fn stopping(path: &str) -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = if path == "/health" {
        let health = json!({"status": "stopping", "version": env!("CARGO_PKG_VERSION")});
        let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
        (status, headers, health.to_string()).into_response()
    } else {
        problem(status, "mcpbox is stopping; send the request again in a few seconds")
    };
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(TRY_AGAIN));
    response
}

/// The answer to a request of which the body does not come.
pub(super) fn too_late() -> Response {
    let detail = "the body of the request stopped coming; send the request again";
    problem(StatusCode::REQUEST_TIMEOUT, detail)
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let problem = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
    });
    let headers = [(CONTENT_TYPE, "application/problem+json"), (CONNECTION, "close")];
    (status, headers, Body::from(problem.to_string())).into_response()
}

/// Takes out what no answer in HTTP/2 may have.
pub(super) fn fit(version: Version, headers: &mut HeaderMap) {
    if version == Version::HTTP_2 {
        headers.remove(CONNECTION);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(version: Version, uri: &str, host: Option<&str>) -> Request<()> {
        let mut request = Request::get(uri).version(version).body(()).expect("a request");
        if let Some(host) = host {
            request.headers_mut().insert(HOST, HeaderValue::try_from(host).expect("a host"));
        }
        request
    }

    #[test]
    fn one_name_of_the_server_is_enough_and_two_must_be_the_same() {
        let address = "http://forge.example/mcp";
        let mut only_address = head(Version::HTTP_2, address, None);
        assert!(of_head(&mut only_address).is_none());
        assert_eq!(only_address.headers()[HOST], "forge.example");
        assert!(of_head(&mut head(Version::HTTP_2, address, Some("forge.example"))).is_none());
        let refused = of_head(&mut head(Version::HTTP_2, address, Some("localhost")));
        assert_eq!(refused.map(|answer| answer.status()), Some(StatusCode::BAD_REQUEST));
        assert!(of_head(&mut head(Version::HTTP_11, "/mcp", Some("localhost"))).is_none());
    }

    #[test]
    fn fields_are_taken_up_to_the_limit_and_not_beyond() {
        let mut request = head(Version::HTTP_11, "/mcp", Some("localhost"));
        for _ in 1..HEADER_FIELDS {
            request.headers_mut().append("x-field", HeaderValue::from_static("x"));
        }
        assert!(of_head(&mut request).is_none());
        request.headers_mut().append("x-field", HeaderValue::from_static("x"));
        let refused = of_head(&mut request).map(|answer| answer.status());
        assert_eq!(refused, Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
    }

    #[test]
    fn what_comes_while_the_program_stops_is_told_when_to_come_again() {
        for (path, part) in [("/health", "\"stopping\""), ("/mcp", "problem")] {
            let answer = stopping(path);
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.headers()[RETRY_AFTER], "5");
            let kind = answer.headers()[CONTENT_TYPE].to_str().unwrap_or_default();
            assert_eq!(kind.contains("problem"), part == "problem", "{kind}");
        }
    }
}
