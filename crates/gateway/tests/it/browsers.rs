//! Clients that run in a browser, on a page of another origin.

use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use serde_json::json;

use crate::with::{self, initialize, legacy, modern};

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn preflight(origin: &str) -> Request<Body> {
    Request::options("/mcp")
        .header("host", "localhost")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,mcp-param-region,mcp-method")
        .body(Body::empty())
        .expect("a request")
}

#[tokio::test]
async fn a_browser_may_send_what_clients_send_without_a_token_first() {
    let door = with::guarded().await;
    let response = door.send(preflight("https://app.example")).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(header(&response, "access-control-allow-origin"), "https://app.example");
    let asked = "authorization,mcp-param-region,mcp-method";
    assert_eq!(header(&response, "access-control-allow-headers"), asked);
    for method in ["GET", "POST", "DELETE"] {
        assert!(header(&response, "access-control-allow-methods").contains(method));
    }
    let foreign = door.send(preflight("https://evil.example")).await;
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert_eq!(header(&foreign, "access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_page_sees_its_session_and_its_refusals() {
    let door = with::open().await;
    let from = |mut request: Request<Body>| {
        let origin = "http://localhost:6274".parse().expect("a header");
        request.headers_mut().insert("origin", origin);
        request
    };
    let opened = door.send(from(legacy(None, &initialize()))).await;
    assert_eq!(header(&opened, "access-control-allow-origin"), "http://localhost:6274");
    assert!(header(&opened, "access-control-expose-headers").contains("mcp-session-id"));
    assert!(opened.headers().contains_key("mcp-session-id"));
    assert!(header(&opened, "access-control-allow-credentials").is_empty());
    let varies = opened.headers().get_all("vary").iter();
    assert!(varies.into_iter().any(|value| value == "origin"));

    let guarded = with::guarded().await;
    let refused = guarded.send(from(modern("tools/list", json!({})))).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(header(&refused, "access-control-allow-origin"), "http://localhost:6274");
    assert!(header(&refused, "access-control-expose-headers").contains("www-authenticate"));
}

#[tokio::test]
async fn who_is_no_browser_is_told_nothing_of_origins() {
    let door = with::open().await;
    let response = door.send(modern("tools/list", json!({}))).await;
    assert_eq!(header(&response, "access-control-allow-origin"), "");
}
