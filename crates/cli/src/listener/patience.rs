//! Ending requests whose body does not come; answers may take as long as they need.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Request;
use axum::response::Response;
use axum::{BoxError, Router};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tower::ServiceExt as _;
use tower_http::timeout::{TimeoutBody, TimeoutError};

use super::connection::Terms;
use super::refusal;

/// Passes a request on to the router; 408 if its body pauses for too long, or takes too long in all.
pub(super) async fn answer<B>(router: Router, request: Request<B>, terms: Terms) -> Response
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let late = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| watched(body, terms, Arc::clone(&late)));
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    // Handlers see a body that cannot be read, and each would blame something else.
    if late.load(Ordering::Relaxed) { refusal::too_late() } else { response }
}

/// The same body, which fails and sets `late` when it pauses for too long.
fn watched<B>(body: B, terms: Terms, late: Arc<AtomicBool>) -> Body
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    if body.is_end_stream() {
        return Body::new(body);
    }
    let whole = Whole { body: Box::pin(body), end: None, most: terms.body };
    Body::new(TimeoutBody::new(terms.patience, whole).map_err(move |error| {
        let is_late = error.is::<TimeoutError>() || error.is::<TooSlow>();
        if is_late {
            late.store(true, Ordering::Relaxed);
        }
        error
    }))
}

/// A body that came, but too slowly.
#[derive(Debug, thiserror::Error)]
#[error("the body took too long")]
struct TooSlow;

/// A body that fails where all of it takes longer than `most`.
struct Whole<B> {
    body: Pin<Box<B>>,
    /// Runs from the first wait on: most bodies come at once.
    end: Option<Pin<Box<Sleep>>>,
    most: Duration,
}

impl<B> HttpBody for Whole<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let next = self.body.as_mut().poll_frame(context);
        let most = self.most;
        if next.is_pending() || self.end.is_some() {
            let end = self.end.get_or_insert_with(|| Box::pin(sleep(most)));
            if end.as_mut().poll(context).is_ready() {
                return Poll::Ready(Some(Err(TooSlow.into())));
            }
        }
        next.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::http::StatusCode;
    use axum::routing::post;

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

    /// A body of which a byte comes now and then.
    struct Trickle(Pin<Box<Sleep>>);

    impl HttpBody for Trickle {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            std::task::ready!(self.0.as_mut().poll(context));
            self.0 = Box::pin(sleep(Duration::from_millis(5)));
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    fn within(patience: Duration) -> Terms {
        Terms { patience, ..Terms::default() }
    }

    #[tokio::test]
    async fn a_body_that_only_trickles_ends_with_408() {
        let terms = Terms { body: Duration::from_millis(100), ..Terms::default() };
        let trickle = Trickle(Box::pin(sleep(Duration::ZERO)));
        let answer = answer(echo(), post_of(trickle), terms).await;
        assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
    }

    fn echo() -> Router {
        Router::new().route("/", post(|body: String| async { body }))
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_ends_with_408() {
        let answer = answer(echo(), post_of(Silence), within(Duration::ZERO)).await;
        assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
    }

    #[tokio::test]
    async fn a_body_that_comes_is_passed_on() {
        let request = post_of(Body::from("all of it"));
        let answer = answer(echo(), request, within(Duration::from_mins(1))).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(body, "all of it");
    }

    #[tokio::test]
    async fn an_answer_may_take_longer_than_the_body() {
        let slow = post(|_body: String| async {
            sleep(Duration::from_millis(200)).await;
            "done"
        });
        let router = Router::new().route("/", slow);
        let answer =
            answer(router, post_of(Body::from("x")), within(Duration::from_millis(100))).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }

    fn post_of<B>(body: B) -> Request<B> {
        Request::post("/").body(body).expect("a request")
    }
}
