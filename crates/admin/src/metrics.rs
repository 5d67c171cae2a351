//! `/metrics`: for Prometheus, which shows a token, and for people who are signed in.

use app::metrics::{self, CONTENT_TYPE};
use app::{App, accounts};
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::errors::Problem;
use crate::session::{bearer, cookie};
use crate::{Shared, limits};

/// GET /metrics
pub(crate) async fn show(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics::text(&app).await).into_response()
}

/// Lets through who shows the token for metrics, an access token of the API or a session of the
/// pages. Nobody else, on this machine neither: behind a proxy every peer is on this machine.
pub(crate) async fn require(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let sent = bearer(request.headers()).map(str::to_owned);
    let known = shared.door.metrics_token.as_deref().zip(sent.as_deref());
    if known.is_some_and(|(token, sent)| metrics::is_token(token, sent)) {
        return Ok(next.run(request).await);
    }
    // Who guesses tokens is counted.
    let (who, app) = (limits::by_address(&request), shared.app.clone());
    limits::counted(&shared, who, async move {
        let admin = match (sent, cookie(request.headers())) {
            (Some(token), _) => accounts::api_session(&app, &token).await?,
            (None, Some(value)) => accounts::page_session(&app, value).await?,
            (None, None) => None,
        };
        if admin.is_none() {
            return Err(Problem::unauthenticated(
                "sign in, or send the token of --metrics-token as `Authorization: Bearer …`",
                "Bearer realm=\"mcpbox metrics\"",
            ));
        }
        Ok(next.run(request).await)
    })
    .await
}
