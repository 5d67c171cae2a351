//! Ending requests whose body does not come; answers may take as long as they need.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{BoxError, Router};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use tower_http::timeout::{TimeoutBody, TimeoutError};

/// Passes a request on to the router; 408 if its body pauses for longer than `patience`.
pub(super) async fn answer<B>(router: Router, request: Request<B>, patience: Duration) -> Response
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let late = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| watched(body, patience, Arc::clone(&late)));
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    // Handlers see a body that cannot be read, and each would blame something else.
    if late.load(Ordering::Relaxed) { too_late() } else { response }
}

/// The same body, which fails and sets `late` when it pauses for too long.
fn watched<B>(body: B, patience: Duration, late: Arc<AtomicBool>) -> Body
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    if body.is_end_stream() {
        return Body::new(body);
    }
    Body::new(TimeoutBody::new(patience, body).map_err(move |error| {
        if error.is::<TimeoutError>() {
            late.store(true, Ordering::Relaxed);
        }
        error
    }))
}

fn too_late() -> Response {
    let status = StatusCode::REQUEST_TIMEOUT;
    let problem = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": "the body of the request stopped coming; send the request again",
    });
    let headers = [(CONTENT_TYPE, "application/problem+json"), (CONNECTION, "close")];
    (status, headers, problem.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::routing::post;
    use hyper::body::Frame;

    use super::*;

    /// A body of which nothing ever comes.
    struct Silence;

    impl HttpBody for Silence {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    fn echo() -> Router {
        Router::new().route("/", post(|body: String| async { body }))
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_ends_with_408() {
        let answer = answer(echo(), post_of(Silence), Duration::ZERO).await;
        assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
    }

    #[tokio::test]
    async fn a_body_that_comes_is_passed_on() {
        let request = post_of(Body::from("all of it"));
        let answer = answer(echo(), request, Duration::from_mins(1)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(body, "all of it");
    }

    #[tokio::test]
    async fn an_answer_may_take_longer_than_the_body() {
        let slow = post(|_body: String| async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            "done"
        });
        let router = Router::new().route("/", slow);
        let answer = answer(router, post_of(Body::from("x")), Duration::from_millis(100)).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }

    fn post_of<B>(body: B) -> Request<B> {
        Request::post("/").body(body).expect("a request")
    }
}
