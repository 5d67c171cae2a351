//! What an answer that is no success means.

use super::error::{Error, Refused};
use super::{limits, message};
use http::header::{CONTENT_TYPE, RETRY_AFTER, SERVER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// How many challenges are kept, and how many characters of each.
const CHALLENGES: usize = 16;
const CHALLENGE: usize = 4096;

/// What stands in pages by which Cloudflare tells browsers from programs.
const OF_CHALLENGE: [&str; 4] =
    ["/cdn-cgi/challenge-platform", "_cf_chl_opt", "cf-challenge", "<title>Just a moment..."];

/// The error that an answer with such a status stands for.
pub(crate) fn explain(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    if is_bot_challenge(status, headers, body) {
        return Error::BotChallenge;
    }
    let retry_after = retry_after(headers);
    match status.as_u16() {
        401 => Error::Unauthorized(refused(status, headers, body)),
        403 => Error::Forbidden(refused(status, headers, body)),
        status @ 429 => Error::RateLimited { status, retry_after },
        status @ 503 if retry_after.is_some() => Error::RateLimited { status, retry_after },
        status => Error::Status {
            status,
            text: quote(body),
            within: message::error_within(body).map(Box::new),
        },
    }
}

fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Refused {
    let challenges = headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .take(CHALLENGES)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).chars().take(CHALLENGE).collect())
        .collect();
    Refused { status: status.as_u16(), challenges, text: quote(body) }
}

/// The beginning of a body, without what would spoil a line.
pub(crate) fn quote(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(limits::QUOTE).collect()
}

/// How long to wait, where that is said in seconds; a date would be one of another clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    text.parse().ok().map(Duration::from_secs)
}

fn is_bot_challenge(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
    if headers.get("cf-mitigated").is_some_and(|value| value == "challenge") {
        return true;
    }
    let holds = |name, part: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.to_ascii_lowercase().contains(part))
    };
    let page = matches!(status.as_u16(), 403 | 429 | 503)
        && holds(SERVER, "cloudflare")
        && holds(CONTENT_TYPE, "text/html");
    let text = String::from_utf8_lossy(body);
    page && OF_CHALLENGE.iter().any(|mark| text.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::{Error, explain};
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
    use std::time::Duration;

    fn of(status: u16, headers: &[(&str, &str)], body: &str) -> Error {
        let headers = headers.iter().map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        let headers: HeaderMap = headers.collect();
        explain(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn challenges_are_kept_as_they_came() {
        let odd = ["Bearer", "bearer realm=\"a, b\", Basic", "", "Bürger x"];
        let headers: Vec<_> = odd.iter().map(|value| ("www-authenticate", *value)).collect();
        let Error::Unauthorized(refused) = of(401, &headers, "") else { panic!("no 401") };
        assert_eq!(refused.challenges, odd);
        let Error::Unauthorized(refused) = of(401, &[], " no\n\ntoken ") else { panic!("no 401") };
        assert_eq!((refused.challenges.len(), refused.text.as_str()), (0, "no token"));
        assert!(matches!(of(403, &[], ""), Error::Forbidden(_)));
    }

    #[test]
    fn a_page_for_browsers_is_told_from_a_refusal() {
        let page = [("server", "cloudflare"), ("content-type", "text/html; charset=UTF-8")];
        let text = "<title>Just a moment...</title>";
        assert!(matches!(of(403, &page, text), Error::BotChallenge));
        assert!(matches!(of(403, &[("cf-mitigated", "challenge")], ""), Error::BotChallenge));
        assert!(matches!(of(403, &page, "<p>Not you</p>"), Error::Forbidden(_)));
        assert!(matches!(of(403, &page[1..], text), Error::Forbidden(_)));
    }

    #[test]
    fn who_wants_fewer_requests_may_say_when() {
        let rate = |status, headers: &[(&str, &str)]| match of(status, headers, "") {
            Error::RateLimited { retry_after, .. } => Some(retry_after),
            _ => None,
        };
        let seconds = Some(Duration::from_secs(7));
        assert_eq!(rate(429, &[("retry-after", "7")]), Some(seconds));
        assert_eq!(rate(429, &[("retry-after", "soon")]), Some(None));
        assert_eq!(rate(503, &[("retry-after", "7")]), Some(seconds));
        assert_eq!(rate(503, &[]), None);
    }

    #[test]
    fn an_error_of_json_rpc_is_found_in_the_body() {
        let body = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#;
        let found = of(404, &[], body);
        assert!(
            matches!(found, Error::Status { within: Some(told), .. } if told.error.code == -32601)
        );
        let found = of(404, &[], "no such page");
        assert!(
            matches!(found, Error::Status { text, within: None, .. } if text == "no such page")
        );
    }
}
