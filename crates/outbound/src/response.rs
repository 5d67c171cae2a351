//! What came back.

use crate::lane::Reservation;
use crate::request::Checked;
use http::{HeaderMap, StatusCode, Version};
use hyper::ext::ReasonPhrase;
use std::time::Duration;

/// The head of an answer, with what it answered.
#[derive(Debug, Clone)]
pub struct Head {
    /// The method that was answered.
    pub method: String,
    /// The URL that was answered, in its normal form.
    pub url: String,
    /// The status code.
    pub status: u16,
    /// The text beside it: the peer's, or the usual one.
    pub reason: String,
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`.
    pub http_version: &'static str,
    /// The header fields, as they came.
    pub headers: HeaderMap,
}

/// An answer, whole. The bytes of its body count against the caller's share while it is kept.
#[derive(Debug)]
pub struct Response {
    /// Its head.
    pub head: Head,
    /// The redirects that led here, oldest first.
    pub history: Vec<Head>,
    /// Its body, decompressed.
    pub body: Vec<u8>,
    /// From the last request until the body was there.
    pub elapsed: Duration,
    pub(crate) reservation: Reservation,
}

impl Head {
    pub(crate) fn new<B>(asked: &Checked, answer: &http::Response<B>) -> Self {
        Self {
            method: asked.method.to_string(),
            url: asked.target.url().to_string(),
            status: answer.status().as_u16(),
            reason: reason(answer),
            http_version: match answer.version() {
                Version::HTTP_2 => "HTTP/2",
                Version::HTTP_10 => "HTTP/1.0",
                _ => "HTTP/1.1",
            },
            headers: answer.headers().clone(),
        }
    }
}

fn reason<B>(answer: &http::Response<B>) -> String {
    let usual = StatusCode::canonical_reason(&answer.status()).unwrap_or_default();
    match answer.extensions().get::<ReasonPhrase>() {
        Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
        None => usual.to_owned(),
    }
}
