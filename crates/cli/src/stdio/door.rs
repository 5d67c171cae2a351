//! The door over HTTP: requests with what every one of them needs, tried again where they did not arrive.

use std::time::Duration;

use app::remote::{AskError, Incoming, Remote};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Limited};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// How long a request is tried again while nothing listens, or what listens is stopping.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two tries.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MOST: Duration = Duration::from_secs(2);

/// The most bytes of an answer that is no stream.
const ANSWER_MAX: usize = 64 << 20;

/// The most bytes of a refusal that are read for its reason.
const REASON_MAX: usize = 64 << 10;

/// Where requests go, and on whose behalf.
pub(super) struct Door {
    remote: Remote,
    url: String,
    token: Option<HeaderValue>,
}

/// Why a message was not delivered, in words for whoever set the bridge up.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Undelivered(pub(super) String);

type Delivered = Result<Response<Incoming>, Undelivered>;

impl Door {
    pub(super) fn new(remote: Remote, url: String, token: Option<HeaderValue>) -> Self {
        Self { remote, url, token }
    }

    /// Sends a message. Where it certainly did not arrive, it is sent again for a while.
    pub(super) async fn post(&self, message: &str, headers: &[(String, String)]) -> Delivered {
        let body = Bytes::copy_from_slice(message.as_bytes());
        self.deliver(&Method::POST, headers, body).await
    }

    /// Opens a stream.
    pub(super) async fn get(&self, headers: &[(String, String)]) -> Delivered {
        self.deliver(&Method::GET, headers, Bytes::new()).await
    }

    /// Ends a session; whether that is heard does not matter.
    pub(super) async fn delete(&self, headers: &[(String, String)]) {
        if let Ok(request) = self.request(&Method::DELETE, headers, Bytes::new())
            && let Err(error) = self.remote.ask(request).await
        {
            tracing::debug!(%error, "the session was not ended");
        }
    }

    async fn deliver(
        &self,
        method: &Method,
        headers: &[(String, String)],
        body: Bytes,
    ) -> Delivered {
        let (until, mut pause) = (Instant::now() + PATIENCE, PAUSE_FIRST);
        loop {
            let request = self.request(method, headers, body.clone())?;
            let wait = match self.remote.ask(request).await {
                // What is stopping has not taken it.
                Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => {
                    if Instant::now() >= until || retry_after(answer.headers()).is_none() {
                        return Ok(answer);
                    }
                    pause
                }
                Ok(answer) => return Ok(answer),
                Err(AskError::Unreachable(_)) if Instant::now() < until => pause,
                Err(AskError::Unreachable(error)) => return Err(self.unreachable(&error)),
                Err(AskError::Broken(error)) => {
                    return Err(Undelivered(format!(
                        "{error}; it is not known whether the request was carried out"
                    )));
                }
            };
            sleep(wait).await;
            pause = (pause * 2).min(PAUSE_MOST);
        }
    }

    fn unreachable(&self, error: &dyn std::error::Error) -> Undelivered {
        Undelivered(format!(
            "mcpbox cannot be reached at {} ({error}): start it with `mcpbox serve`, or give its \
             address with --url; then try again",
            self.url
        ))
    }

    fn request(
        &self,
        method: &Method,
        headers: &[(String, String)],
        body: Bytes,
    ) -> Result<Request<Bytes>, Undelivered> {
        let mut request = Request::builder().method(method).uri(&self.url);
        request = request.header(ACCEPT, "application/json, text/event-stream");
        if method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.body(body).map_err(|error| Undelivered(format!("this cannot be sent: {error}")))
    }
}

fn retry_after(headers: &HeaderMap) -> Option<&str> {
    headers.get(RETRY_AFTER)?.to_str().ok()
}

/// Whether an answer is of this type.
pub(super) fn is_of_type(headers: &HeaderMap, expected: &str) -> bool {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    sent.split(';').next().is_some_and(|sent| sent.trim().eq_ignore_ascii_case(expected))
}

/// The whole body of an answer, as text.
pub(super) async fn text(body: Incoming) -> Result<String, Undelivered> {
    let collected = Limited::new(body, ANSWER_MAX).collect().await;
    let bytes = collected.map_err(|error| Undelivered(format!("the answer broke off: {error}")))?;
    String::from_utf8(bytes.to_bytes().into())
        .map_err(|_not_text| Undelivered("the answer is not UTF-8".to_owned()))
}

/// What a refusal says, and what to do.
pub(super) async fn reason(answer: Response<Incoming>) -> String {
    let (head, body) = answer.into_parts();
    let bytes = Limited::new(body, REASON_MAX).collect().await;
    let bytes = bytes.map(Collected::to_bytes).unwrap_or_default();
    let problem: Option<Value> = serde_json::from_slice(&bytes).ok();
    let detail = problem.as_ref().and_then(|problem| problem.get("detail")?.as_str());
    let detail = detail.unwrap_or("no reason was given");
    let advice = match head.status {
        StatusCode::UNAUTHORIZED => {
            "; give the bridge a token with --token-file or MCPBOX_TOKEN: `mcpbox tokens create NAME` makes one"
        }
        StatusCode::NOT_FOUND => "; --url must be the address of /mcp",
        _ => "",
    };
    let later = retry_after(&head.headers);
    let later = later.map(|seconds| format!("; try again in {seconds} s")).unwrap_or_default();
    format!("the server answered {}: {detail}{advice}{later}", head.status)
}
