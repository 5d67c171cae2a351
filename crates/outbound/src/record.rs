//! What is kept of a request for a person to see: where it went and how it ended, no content.

use crate::error::{Kind, RequestError};
use crate::request::Request;
use crate::response::{Head, Response};
use std::time::Duration;
use url::Url;

/// The longest path that is kept, in characters.
const LONGEST_PATH: usize = 500;

/// A request that was made, or tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The method.
    pub method: String,
    /// Where it was to go.
    pub place: Place,
    /// The redirects that were followed, oldest first: status, and where the next request went.
    pub redirects: Vec<(u16, Place)>,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The bytes of the request's body.
    pub sent: usize,
    /// The bytes of the answer's body, decompressed.
    pub received: usize,
    /// From the beginning to the end, redirects included.
    pub duration: Duration,
    /// Why there was no answer.
    pub failure: Option<Failure>,
}

/// A URL without what may be secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `scheme://host` or `scheme://host:port`; empty where the URL could not be read.
    pub origin: String,
    /// The path and the names in the query, without their values: `/a?x&y`.
    pub path: String,
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub kind: Kind,
    /// The sentence that the tool got.
    pub message: String,
    /// The host and the port that were refused, where the guard refused the request: in a
    /// redirect, those of the redirect.
    pub refused: Option<(String, u16)>,
}

impl Record {
    /// What is known of a request that begins.
    pub fn of(request: &Request) -> Self {
        Self {
            method: request.method.chars().take(32).collect(),
            place: Place::of(&request.url),
            redirects: Vec::new(),
            status: None,
            sent: request.body.len(),
            received: 0,
            duration: Duration::ZERO,
            failure: None,
        }
    }

    pub(crate) fn redirected(&mut self, answer: &Head, to: &Url) {
        self.redirects.push((answer.status, Place::of_url(to)));
    }

    pub(crate) fn end(&mut self, outcome: &Result<Response, RequestError>, duration: Duration) {
        self.duration = duration;
        match outcome {
            Ok(response) => {
                self.status = Some(response.head.status);
                self.received = response.body.len();
            }
            Err(error) => {
                let refused = error.target().filter(|_| error.is_refusal());
                self.failure = Some(Failure {
                    kind: error.kind(),
                    message: error.to_string(),
                    refused: refused.map(|(host, port)| (host.to_string(), port)),
                });
            }
        }
    }
}

impl Place {
    fn of(text: &str) -> Self {
        Url::parse(text).map_or_else(
            |_unreadable| Self { origin: String::new(), path: String::new() },
            |url| Self::of_url(&url),
        )
    }

    /// The place of an address.
    pub fn of_url(url: &Url) -> Self {
        let mut path = url.path().to_owned();
        for (position, pair) in url.query().into_iter().flat_map(|it| it.split('&')).enumerate() {
            path.push(if position == 0 { '?' } else { '&' });
            // What has no value may be one itself.
            path.push_str(pair.split_once('=').map_or("…", |(name, _value)| name));
        }
        if let Some((end, _)) = path.char_indices().nth(LONGEST_PATH) {
            path.truncate(end);
            path.push('…');
        }
        Self { origin: url.origin().ascii_serialization(), path }
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_place_holds_no_value_and_no_password() {
        for (url, origin, path) in [
            ("https://a.example/b?key=secret&page=2#secret", "https://a.example", "/b?key&page"),
            ("http://a.example:81/b?secret", "http://a.example:81", "/b?…"),
            ("http://user:secret@a.example/", "http://a.example", "/"),
            ("http://a.example", "http://a.example", "/"),
            ("http://a.example/?=secret", "http://a.example", "/?"),
            ("secret", "", ""),
        ] {
            let place = Place::of(url);
            assert_eq!((place.origin.as_str(), place.path.as_str()), (origin, path), "{url}");
        }
        let long = Place::of(&format!("http://a.example/{}", "a".repeat(10_000)));
        assert_eq!(long.path.chars().count(), 501);
    }
}
