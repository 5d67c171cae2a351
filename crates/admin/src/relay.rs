//! The way back from logins that a program beside this one began, in whose name the browser comes to this door.

use app::external_sources::oauth;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::errors::Problem;
use crate::{Shared, session};

/// As [`session::require_page`]; where the operator named a program to pass them on to, a browser goes there with the
/// state of a login that nobody began here. It need not be signed in: there is nothing of this program in it.
pub(crate) async fn require_page_or_pass_on(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let (Some(relay), Some(query)) = (&shared.door.login_relay, request.uri().query())
        && !oauth::is_own(&shared.app, query).await?
    {
        return Ok(Redirect::to(&format!("{relay}?{query}")).into_response());
    }
    session::require_page(State(shared.app.clone()), request, next).await
}
