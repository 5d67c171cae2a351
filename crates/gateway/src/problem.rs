//! Answers to requests that do not get as far as JSON-RPC, as `application/problem+json`.

use std::borrow::Cow;

use app::limits::Standing;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

/// What is told of a failure of this server itself.
pub(crate) const INTERNAL: &str = "internal error; the server's log has the cause";

/// A refusal on the level of HTTP.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: Cow<'static, str>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The limit that it is about.
    standing: Option<Standing>,
}

impl Problem {
    /// `detail` says what to do next.
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, detail: detail.into(), headers: Vec::new(), standing: None }
    }

    /// 401 with the challenge that RFC 6750 asks for.
    pub(crate) fn unauthorized(challenge: &'static str, detail: &'static str) -> Self {
        let challenge = HeaderValue::from_static(challenge);
        Self::new(StatusCode::UNAUTHORIZED, detail).with_header(WWW_AUTHENTICATE, challenge)
    }

    /// 429 where this request is one too many; `what` was counted, in the plural.
    pub(crate) fn too_often(standing: Standing, what: &str) -> Option<Self> {
        let refusal = standing.refusal(what)?;
        let refused = Self::new(StatusCode::TOO_MANY_REQUESTS, refusal);
        Some(Self { standing: Some(standing), ..refused })
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<app::Error> for Problem {
    /// For failures of the door's own checks; what verbs answer goes into tool results instead.
    fn from(error: app::Error) -> Self {
        let detail = error.to_string();
        match error {
            app::Error::Busy { retry_after_seconds, .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
                    .with_header(RETRY_AFTER, HeaderValue::from(retry_after_seconds))
            }
            app::Error::Unavailable { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, detail),
            other => {
                tracing::error!(error = &other as &dyn std::error::Error, "a request failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(self.headers);
        if let Some(standing) = self.standing {
            response.extensions_mut().insert(standing);
        }
        response
    }
}
