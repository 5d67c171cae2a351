//! Who is signed in: the cookie of the pages and the bearer token of the API.

use std::net::SocketAddr;

use app::accounts::{self, SessionToken};
use app::identity::Admin;
use app::limits::Counted;
use app::{App, clock};
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::errors::Problem;
use crate::view::percent_encoded;
use crate::{Shared, limits, protection};

const COOKIE_NAME: &str = "mcpbox_session";

/// The person who is signed in, on every route that asks for a sign-in.
pub(crate) struct SignedIn(pub(crate) Admin);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let admin = parts.extensions.get::<Admin>().cloned();
        admin.map(Self).ok_or_else(|| Problem::unauthenticated("sign in first", "Bearer"))
    }
}

/// Lets through who has an open session of the pages; sends others to sign in, or to make the
/// first account.
pub(crate) async fn require_page(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let Some(value) = cookie(request.headers())
        && let Some(admin) = accounts::page_session(&app, value).await?
    {
        enter(&mut request, admin);
        return Ok(next.run(request).await);
    }
    if accounts::setup_required(&app).await? {
        return Ok(Redirect::to("/setup").into_response());
    }
    Ok(sign_in_first(&request))
}

/// Lets through who shows a valid access token and does not ask too often.
pub(crate) async fn require_api(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let admin = match bearer(request.headers()) {
        None => Err(Problem::unauthenticated(
            "send the access token of POST /auth/login as `Authorization: Bearer …`",
            "Bearer realm=\"mcpbox\"",
        )),
        Some(token) => accounts::api_session(&shared.app, token).await?.ok_or_else(|| {
            Problem::unauthenticated(
                "the access token is unknown or expired; refresh it or sign in again",
                "Bearer realm=\"mcpbox\", error=\"invalid_token\"",
            )
        }),
    };
    // Who guesses tokens is counted, too.
    let known = admin.as_ref().ok().map(Admin::user_id).map(Counted::Known);
    let who = known.unwrap_or_else(|| limits::by_address(&request));
    limits::counted(&shared, who, async move {
        enter(&mut request, admin?);
        Ok(next.run(request).await)
    })
    .await
}

/// A request that came without a token, where the operator lets programs of this machine do so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WithoutToken;

/// As [`require_api`]; where the operator says so, lets programs of this machine in that show no token.
pub(crate) async fn require_gateways(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let is_allowed = shared.door.gateways_without_token
        && !request.headers().contains_key(AUTHORIZATION)
        && protection::comes_from_this_machine(&request);
    if !is_allowed {
        return require_api(State(shared), request, next).await;
    }
    let who = limits::by_address(&request);
    limits::counted(&shared, who, async move {
        request.extensions_mut().insert(WithoutToken);
        enter(&mut request, Admin::unsigned());
        Ok(next.run(request).await)
    })
    .await
}

/// Lets the handlers know who asks, and from where.
fn enter(request: &mut Request, admin: Admin) {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let admin = match peer {
        Some(ConnectInfo(peer)) => admin.at(peer.ip()),
        None => admin,
    };
    request.extensions_mut().insert(admin);
}

/// The session's secret that the browser sent.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let sent = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
}

/// The bearer token that a client sent.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The header that gives the browser a session.
pub(crate) fn set_cookie(token: &SessionToken, headers: &HeaderMap) -> Option<HeaderValue> {
    let life = (token.expires_at - clock::now()).num_seconds().max(0);
    // Only the browser itself knows whether it speaks HTTPS when a proxy stands between; its
    // Origin says so, and nobody gains by lying about it.
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let secure = origin.is_some_and(|origin| origin.starts_with("https://"));
    let secure = if secure { "; Secure" } else { "" };
    let value = &token.value;
    let cookie =
        format!("{COOKIE_NAME}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={life}{secure}");
    HeaderValue::from_str(&cookie).ok()
}

/// The header that takes the session away from the browser.
pub(crate) fn clear_cookie() -> HeaderValue {
    HeaderValue::from_static("mcpbox_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
}

/// Where to go after the sign-in: a path of this door and nothing else.
pub(crate) fn destination(next: &str) -> &str {
    let leads_away = next.starts_with("//") || next.contains('\\');
    let is_path = next.starts_with('/') && next.chars().all(|letter| letter.is_ascii_graphic());
    if is_path && !leads_away { next } else { "/" }
}

fn sign_in_first(request: &Request) -> Response {
    if request.headers().contains_key("hx-request") {
        let go = (HeaderName::from_static("hx-redirect"), HeaderValue::from_static("/login"));
        return (StatusCode::UNAUTHORIZED, [go]).into_response();
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if request.method() != Method::GET || path == "/" {
        return Redirect::to("/login").into_response();
    }
    // A link on another site (a model's answer, say) comes without the strict cookie even when the
    // person is signed in: asking once more from a page of our own brings it.
    if request.headers().get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Html(r#"<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0"><title>mcpbox</title>"#).into_response();
    }
    Redirect::to(&format!("/login?next={}", percent_encoded(path))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let sent = headers(COOKIE, "theme=dark; mcpbox_session=abc; x=y");
        assert_eq!(cookie(&sent), Some("abc"));
        assert_eq!(cookie(&headers(COOKIE, "not_mcpbox_session=abc")), None);
    }

    #[test]
    fn a_bearer_token_is_read_in_any_case_and_other_schemes_are_not() {
        assert_eq!(bearer(&headers(AUTHORIZATION, "bearer abc")), Some("abc"));
        assert_eq!(bearer(&headers(AUTHORIZATION, "Basic abc")), None);
    }

    #[test]
    fn a_sign_in_leads_to_paths_of_this_door_only() {
        assert_eq!(destination("/approvals?page=2"), "/approvals?page=2");
        for away in ["https://evil.example", "//evil.example", "/\\evil.example", "", "/a\nb"] {
            assert_eq!(destination(away), "/", "{away}");
        }
    }

    #[test]
    fn the_cookie_is_kept_from_scripts_and_other_sites() {
        let token = SessionToken {
            value: "abc".to_owned(),
            expires_at: clock::now() + chrono::Duration::hours(1),
        };
        let plain = set_cookie(&token, &HeaderMap::new()).unwrap();
        let plain = plain.to_str().unwrap();
        assert!(plain.starts_with("mcpbox_session=abc; Path=/; HttpOnly; SameSite=Strict"));
        assert!(!plain.contains("Secure"));
        let over_tls = headers(ORIGIN, "https://tools.example");
        let secure = set_cookie(&token, &over_tls).unwrap();
        assert!(secure.to_str().unwrap().ends_with("; Secure"));
    }
}
