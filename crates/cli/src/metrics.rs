//! A listener for `/metrics` alone, for programs that have no admin door.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, bail};
use app::App;
use app::metrics::{self, CONTENT_TYPE};
use axum::Router;
use axum::http::header::{self, AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::listener;
use crate::telemetry::Telemetry;

/// Opens the listener, where one is asked for.
pub(crate) fn bind(telemetry: &Telemetry) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = telemetry.metrics_listen else { return Ok(None) };
    if !address.ip().is_loopback() && telemetry.metrics_token.is_none() {
        bail!(
            "{address} is not loopback, so who reads the metrics there needs a token; set one with --metrics-token"
        );
    }
    let listener = listener::bind(address).with_context(|| {
        format!("{address} cannot be listened on; free it or choose another with --metrics-listen")
    })?;
    println!("metrics at http://{}/metrics", listener.local_addr()?);
    Ok(Some(listener))
}

/// `/metrics` and nothing else.
pub(crate) fn router(app: &App, token: Option<String>) -> Router {
    let app = app.clone();
    let show = async move |headers: HeaderMap| -> Response {
        if !may_read(&headers, token.as_deref()) {
            let challenge = [(WWW_AUTHENTICATE, "Bearer realm=\"mcpbox metrics\"")];
            let detail = "send the token of --metrics-token as `Authorization: Bearer …`\n";
            return (StatusCode::UNAUTHORIZED, challenge, detail).into_response();
        }
        let kind = [(header::CONTENT_TYPE, CONTENT_TYPE)];
        (kind, metrics::text(&app).await).into_response()
    };
    Router::new().route("/metrics", get(show))
}

/// With a token, who shows it. Without one, who asks for this machine by a name that no page of
/// another site can have.
fn may_read(headers: &HeaderMap, token: Option<&str>) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match token {
        Some(token) => text(AUTHORIZATION)
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .is_some_and(|(_, sent)| metrics::is_token(token, sent.trim())),
        None => text(HOST).is_some_and(is_loopback),
    }
}

fn is_loopback(host: &str) -> bool {
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for here in
            ["localhost", "localhost:9464", "127.0.0.1", "127.0.0.1:9464", "[::1]:9464", "[::1]"]
        {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in
            ["evil.example", "evil.example:9464", "localhost.evil.example", "10.0.0.1", ""]
        {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn where_there_is_a_token_it_alone_counts() {
        let headers = |name: header::HeaderName, value| {
            HeaderMap::from_iter([(name, header::HeaderValue::from_static(value))])
        };
        let token = Some("0123456789abcdef");
        assert!(may_read(&headers(AUTHORIZATION, "Bearer 0123456789abcdef"), token));
        assert!(!may_read(&headers(AUTHORIZATION, "Bearer 0123456789abcdee"), token));
        assert!(!may_read(&headers(HOST, "localhost"), token));
        assert!(may_read(&headers(HOST, "localhost"), None));
    }
}
