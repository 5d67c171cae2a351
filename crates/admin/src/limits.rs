//! How often a person may ask the JSON API. Pages and what they consist of have no limit.

use std::net::SocketAddr;

use app::limits::{Counted, Standing};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::Shared;
use crate::errors::{Answer, Problem};

/// Counts by address what anybody may ask.
pub(crate) async fn of_anybody(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let who = by_address(&request);
    let answer = counted(&shared, who, async move { Ok(next.run(request).await) }).await;
    answer.unwrap_or_else(Problem::into_response)
}

/// Who is counted where nobody is signed in.
pub(crate) fn by_address(request: &Request) -> Counted {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    Counted::address(peer.map(|ConnectInfo(peer)| peer.ip()))
}

/// The answer, with how its caller stands; another where that one asks too often.
pub(crate) async fn counted(
    shared: &Shared,
    who: Counted,
    answer: impl Future<Output = Answer>,
) -> Answer {
    let Some(standing) = shared.limit.count(shared.door.rate_limit_rpm, &who) else {
        return answer.await;
    };
    let mut response = match standing.refusal("requests") {
        Some(refusal) => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", refusal).into_response()
        }
        None => answer.await.unwrap_or_else(Problem::into_response),
    };
    for (name, value) in Standing::headers(&standing) {
        response.headers_mut().insert(HeaderName::from_static(name), value.into());
    }
    Ok(response)
}
