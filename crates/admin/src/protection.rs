//! What protects the pages from other sites in the same browser.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Shared;
use crate::errors::Problem;

/// Only what this door serves itself; nothing inline, no frame, no other form target.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

const FIXED_HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Sets the headers that every answer carries.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Refuses names that are not this server's: a site whose name was rebound to this address would
/// otherwise be same-origin with the pages.
pub(crate) async fn known_host(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let host = authority(request.uri(), request.headers());
    if host.as_deref().is_some_and(|host| is_known(host, &shared.door.allowed_hosts)) {
        return next.run(request).await;
    }
    let detail = format!(
        "`{}` is not a name of this server; add it to MCPBOX_ADMIN_ALLOWED_HOSTS if it should be",
        host.as_deref().unwrap_or_default()
    );
    Problem::new(StatusCode::FORBIDDEN, "unknown_host", detail).into_response()
}

/// Refuses changes that another site asks for.
pub(crate) async fn same_origin(request: Request, next: Next) -> Response {
    if request.method().is_safe() || comes_from_here(request.uri(), request.headers()) {
        return next.run(request).await;
    }
    let detail = "this change was asked for by a page of another site; open the page on this \
                  server and try again";
    Problem::new(StatusCode::FORBIDDEN, "cross_origin", detail).into_response()
}

/// Browsers say where a request comes from; programs that are not browsers say nothing, and have
/// no cookie that somebody else could use.
fn comes_from_here(uri: &Uri, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let (Some((_, from)), Some(host)) = (origin, authority(uri, headers)) else { return false };
    from.eq_ignore_ascii_case(&host)
}

/// What proxies add to requests that they pass on.
const OF_PROXIES: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "cf-connecting-ip"];

/// Whether a request comes from a program of this machine, and not through a proxy on it from elsewhere.
pub(crate) fn comes_from_this_machine(request: &Request) -> bool {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_loopback = peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    let headers = request.headers();
    let is_passed_on = OF_PROXIES.iter().any(|name| headers.contains_key(*name));
    let host = authority(request.uri(), headers);
    is_loopback && !is_passed_on && host.is_some_and(|host| is_known(&host, &[]))
}

fn authority(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.or_else(|| uri.authority().map(Authority::as_str)).map(str::to_owned)
}

fn is_known(host: &str, allowed: &[String]) -> bool {
    let name = without_port(host);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback
        || allowed
            .iter()
            .any(|known| known.eq_ignore_ascii_case(host) || known.eq_ignore_ascii_case(name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_configured_names_are_known_and_others_are_not() {
        let allowed = ["tools.example".to_owned(), "192.168.1.5".to_owned()];
        for host in [
            "localhost:3000",
            "127.0.0.1",
            "127.0.0.1:3000",
            "[::1]:3000",
            "LOCALHOST",
            "tools.example:443",
            "192.168.1.5:3000",
        ] {
            assert!(is_known(host, &allowed), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:3000", ""] {
            assert!(!is_known(host, &allowed), "{host}");
        }
    }

    fn from(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        comes_from_here(&Uri::from_static("/login"), &headers)
    }

    #[test]
    fn changes_from_this_site_pass() {
        assert!(from(&[("host", "localhost:3000"), ("sec-fetch-site", "same-origin")]));
        assert!(from(&[("host", "localhost:3000"), ("origin", "http://localhost:3000")]));
        assert!(from(&[("host", "tools.example"), ("origin", "https://tools.example")]));
        assert!(from(&[("host", "localhost:3000")]));
    }

    #[test]
    fn changes_from_other_sites_do_not() {
        assert!(!from(&[("host", "localhost:3000"), ("sec-fetch-site", "cross-site")]));
        assert!(!from(&[("host", "localhost:3000"), ("sec-fetch-site", "same-site")]));
        assert!(!from(&[("host", "localhost:3000"), ("origin", "http://localhost:4000")]));
        assert!(!from(&[("host", "localhost:3000"), ("origin", "null")]));
    }
}
