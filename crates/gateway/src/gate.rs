//! What stands before the protocol: address, origin, identity and rate of each request to `/mcp`, and where it goes from there.

use std::sync::Arc;

use app::limits::{self, Counted, Standing};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, ALLOW, CONNECTION, ORIGIN, RETRY_AFTER};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::identity::Identity;
use crate::problem::Problem;
use crate::resumable::Answers;
use crate::server::Server;
use crate::session::Session;
use crate::{addresses, cors, events, identity, post, rates, streams, version};

/// The header that names a session of the older protocol revisions.
pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// The header by which a client comes back to a stream that it lost.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// After so many seconds a process that ends has been replaced, if it is.
const RETRY_AFTER_SECONDS: u64 = 5;

/// `/mcp`, with every method.
pub(crate) async fn serve(State(server): State<Arc<Server>>, request: Request) -> Response {
    if let Err(problem) = addresses::check(&server.door, request.headers(), request.uri()) {
        return problem.into_response();
    }
    let origin = request.headers().get(ORIGIN).cloned();
    let mut response = if cors::is_preflight(request.method(), request.headers()) {
        cors::preflight(request.headers())
    } else {
        admitted(&server, request).await
    };
    if let Some(origin) = origin {
        cors::show(&mut response, &origin);
    }
    response
}

async fn admitted(server: &Arc<Server>, request: Request) -> Response {
    let mut standing = None;
    let (headers, extensions) = (request.headers(), request.extensions());
    let mut response = match admit(server, headers, extensions, &mut standing).await {
        // What a client posts may be what a call under way waits for.
        Ok(_) if server.door.shutdown.is_cancelled() && *request.method() != Method::POST => {
            Err(ending())
        }
        Ok(identity) => route(server, identity, request).await,
        Err(problem) => Err(problem),
    }
    .unwrap_or_else(|problem| {
        tracing::debug!(status = %problem.status(), "refused a request");
        problem.into_response()
    });
    let told = rates::told(standing, &mut response);
    for (name, value) in told.iter().flat_map(Standing::headers) {
        response.headers_mut().insert(HeaderName::from_static(name), value.into());
    }
    response
}

/// The refusal of what would begin while this process ends.
pub(crate) fn ending() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "this process is ending and takes no new requests; try again in a few seconds",
    )
    .with_header(RETRY_AFTER, RETRY_AFTER_SECONDS.into())
    .with_header(CONNECTION, HeaderValue::from_static("close"))
}

/// Finds out who asks, and counts the request.
async fn admit(
    server: &Server,
    headers: &HeaderMap,
    extensions: &Extensions,
    standing: &mut Option<Standing>,
) -> Result<Identity, Problem> {
    let Server { app, door, .. } = server;
    let identity = identity::of(app, door.require_token, headers, extensions).await;
    let who = match &identity {
        Ok(identity) => identity.counted(),
        // Who guesses tokens is counted, too.
        Err(_) => Counted::address(identity::address(extensions)),
    };
    *standing = server.limit.count(limits::of_mcp(app).await?, &who);
    match standing.and_then(|standing| Problem::too_often(standing, rates::REQUESTS)) {
        Some(refused) => Err(refused),
        None => identity,
    }
}

async fn route(
    server: &Arc<Server>,
    identity: Identity,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers();
    let is_modern = version::is_modern_header(headers);
    match *request.method() {
        Method::POST => post::serve(server, identity, request).await,
        Method::GET if !is_modern => {
            if !accepts(headers, events::MEDIA_TYPE) {
                return Err(Problem::new(
                    StatusCode::NOT_ACCEPTABLE,
                    "this is a stream of events; send `Accept: text/event-stream`",
                ));
            }
            let session = session_of(server, &identity, headers).await?;
            let last = headers.get(&LAST_EVENT_ID).and_then(|value| value.to_str().ok());
            let metrics = server.app.metrics();
            if let Some(rest) = last.and_then(|last| Answers::resume(&session, last, metrics)) {
                return Ok(rest);
            }
            Ok(streams::of_session(Arc::clone(server), identity, &session).await?)
        }
        Method::DELETE if !is_modern => {
            let session = session_of(server, &identity, headers).await?;
            server.sessions.end(&session).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => {
            let (allowed, detail) = if is_modern {
                (
                    "POST, OPTIONS",
                    "this revision of the protocol has POST alone: there are no sessions, and changes are heard of with `subscriptions/listen`",
                )
            } else {
                ("GET, POST, DELETE, OPTIONS", "this path takes POST, GET and DELETE")
            };
            Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
                .with_header(ALLOW, HeaderValue::from_static(allowed)))
        }
    }
}

/// The session that the headers name.
///
/// # Errors
/// 400 where they name none, 404 where it has ended or is another's.
pub(crate) async fn session_of(
    server: &Server,
    identity: &Identity,
    headers: &HeaderMap,
) -> Result<Arc<Session>, Problem> {
    let Some(id) = headers.get(SESSION_ID) else {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "this request needs a session: POST `initialize` first and send the `Mcp-Session-Id` header of its answer with every request after it; or use protocol revision 2026-07-28, which has no sessions",
        ));
    };
    let id = id.to_str().unwrap_or_default();
    let session = server.sessions.enter(id, identity.token()).await?;
    session.ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "there is no such session, or it has ended; begin another with `initialize`",
        )
    })
}

/// Whether the client takes this media type. Whoever says nothing takes anything.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let mut named = headers.get_all(ACCEPT).iter().peekable();
    if named.peek().is_none() {
        return true;
    }
    let group = media_type.split('/').next().unwrap_or_default();
    let ranges = named.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    ranges.map(|range| range.split(';').next().unwrap_or_default().trim()).any(|range| {
        range.eq_ignore_ascii_case(media_type)
            || range == "*/*"
            || range
                .split_once('/')
                .is_some_and(|(its, any)| any == "*" && its.eq_ignore_ascii_case(group))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_takes_is_read_from_all_its_ranges() {
        let takes = |value: Option<&'static str>, media_type: &str| {
            let mut headers = HeaderMap::new();
            headers.extend(value.map(|value| (ACCEPT, HeaderValue::from_static(value))));
            accepts(&headers, media_type)
        };
        assert!(takes(None, "application/json"));
        let both = Some("application/json, text/event-stream;q=0.9");
        assert!(takes(both, "application/json") && takes(both, "text/event-stream"));
        assert!(takes(Some("*/*"), "text/event-stream"));
        assert!(takes(Some("text/*"), "text/event-stream"));
        assert!(!takes(Some("text/html"), "text/event-stream"));
        assert!(!takes(Some("application/json"), "text/event-stream"));
    }
}
