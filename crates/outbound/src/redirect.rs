//! What a redirect makes of a request. Where it leads is checked like every request.

use crate::error::{Kind, RequestError};
use crate::request::Checked;
use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, LOCATION};
use http::{HeaderMap, Method, StatusCode};

/// The request that a redirect asks for; nothing where the answer is no redirect.
pub(crate) fn follow(
    sent: &Checked,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Option<Checked>, RequestError> {
    let redirects = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(location) = headers.get(LOCATION).filter(|_| redirects) else {
        return Ok(None);
    };
    let location = std::str::from_utf8(location.as_bytes()).map_err(|reason| {
        let message = "the redirect's location is no text";
        RequestError::new(Kind::RemoteProtocolError, message).caused_by(reason)
    })?;
    let mut next = sent.clone();
    next.target = sent.target.join(location)?;
    next.method = method_after(status, &sent.method);
    if next.method != sent.method {
        next.body = Bytes::new();
        next.headers = without_content(&sent.headers);
    }
    if next.target.origin() != sent.target.origin() {
        next.headers.remove(COOKIE);
        if !next.target.is_upgrade_of(&sent.target) {
            next.headers.remove(AUTHORIZATION);
        }
    }
    Ok(Some(next))
}

/// As browsers do, and httpx after them: 303 asks for a GET, and in practice so do 302, and 301
/// after a POST.
fn method_after(status: StatusCode, method: &Method) -> Method {
    match (status, method) {
        (StatusCode::SEE_OTHER | StatusCode::FOUND, method) if *method != Method::HEAD => {
            Method::GET
        }
        (StatusCode::MOVED_PERMANENTLY, &Method::POST) => Method::GET,
        (_, method) => method.clone(),
    }
}

/// What described the body goes with the body.
fn without_content(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| !name.as_str().starts_with("content-"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Checked, Kind, LOCATION, follow};
    use crate::request::Request;
    use http::{HeaderMap, HeaderValue, StatusCode};

    fn sent(method: &str, url: &str) -> Checked {
        let request = Request::new(method, url)
            .header("Authorization", "Bearer x")
            .header("Cookie", "a=b")
            .header("X-Custom", "kept")
            .header("Content-Type", "text/plain")
            .body("body");
        Checked::new(&request).unwrap()
    }

    fn after(sent: &Checked, status: u16, location: &str) -> Option<Checked> {
        let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_str(location).unwrap())]);
        follow(sent, StatusCode::from_u16(status).unwrap(), &headers).unwrap()
    }

    #[test]
    fn methods_change_as_in_a_browser() {
        for (status, method, expected) in [
            (301, "GET", "GET"),
            (301, "POST", "GET"),
            (301, "PUT", "PUT"),
            (301, "HEAD", "HEAD"),
            (302, "GET", "GET"),
            (302, "POST", "GET"),
            (302, "PUT", "GET"),
            (302, "HEAD", "HEAD"),
            (303, "GET", "GET"),
            (303, "POST", "GET"),
            (303, "DELETE", "GET"),
            (303, "HEAD", "HEAD"),
            (307, "POST", "POST"),
            (307, "PUT", "PUT"),
            (308, "POST", "POST"),
            (308, "GET", "GET"),
        ] {
            let next = after(&sent(method, "https://a.example/"), status, "/b").unwrap();
            assert_eq!(next.method, expected, "{status} {method}");
            let kept = method == expected;
            assert_eq!(!next.body.is_empty(), kept, "{status} {method}");
            assert_eq!(next.headers.contains_key("content-type"), kept, "{status} {method}");
            assert!(next.headers.contains_key("x-custom"));
        }
    }

    #[test]
    fn what_is_no_redirect_is_an_answer() {
        let request = sent("GET", "https://a.example/");
        for status in [200, 201, 300, 304, 305, 306, 404] {
            assert!(after(&request, status, "/b").is_none(), "{status}");
        }
        let bare = follow(&request, StatusCode::FOUND, &HeaderMap::new()).unwrap();
        assert!(bare.is_none(), "a redirect to nowhere");
    }

    #[test]
    fn credentials_stay_where_they_were_meant_for() {
        for (from, to, authorization, cookie) in [
            ("https://a.example/", "/b", true, true),
            ("https://a.example/", "https://a.example:443/b", true, true),
            ("http://a.example/", "https://a.example/", true, false),
            ("https://a.example/", "http://a.example/", false, false),
            ("http://a.example:8080/", "https://a.example/", false, false),
            ("http://a.example/", "https://a.example:8443/", false, false),
            ("https://a.example/", "https://a.example:8443/", false, false),
            ("https://a.example/", "https://b.example/", false, false),
            ("https://a.example/", "https://api.a.example/", false, false),
            ("http://a.example/", "https://b.example/", false, false),
        ] {
            let next = after(&sent("GET", from), 307, to).unwrap();
            assert_eq!(next.headers.contains_key("authorization"), authorization, "{from} {to}");
            assert_eq!(next.headers.contains_key("cookie"), cookie, "{from} {to}");
            assert!(next.headers.contains_key("x-custom"));
        }
    }

    #[test]
    fn a_location_that_cannot_be_read_is_an_error() {
        let headers =
            HeaderMap::from_iter([(LOCATION, HeaderValue::from_bytes(b"/\xff").unwrap())]);
        let refused = follow(&sent("GET", "https://a.example/"), StatusCode::FOUND, &headers);
        assert_eq!(refused.unwrap_err().kind(), Kind::RemoteProtocolError);
        let headers =
            HeaderMap::from_iter([(LOCATION, HeaderValue::from_bytes("/ü".as_bytes()).unwrap())]);
        let next = follow(&sent("GET", "https://a.example/"), StatusCode::FOUND, &headers);
        assert_eq!(next.unwrap().unwrap().target.url().as_str(), "https://a.example/%C3%BC");
    }
}
