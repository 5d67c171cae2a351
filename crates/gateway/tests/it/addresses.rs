//! Which hosts, origins, paths and methods are served.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::json;

use crate::with::{self, modern, read};

async fn status(host: &str, origin: Option<&str>) -> StatusCode {
    let door = with::open().await;
    let mut request = modern("tools/list", json!({}));
    request.headers_mut().insert("host", host.parse().expect("a header"));
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().expect("a header"));
    }
    door.send(request).await.status()
}

#[tokio::test]
async fn loopback_and_configured_addresses_are_served() {
    assert_eq!(status("localhost:8002", None).await, StatusCode::OK);
    assert_eq!(status("[::1]:8002", Some("http://localhost:6274")).await, StatusCode::OK);
    assert_eq!(status("box.example", Some("https://app.example")).await, StatusCode::OK);
}

#[tokio::test]
async fn a_page_that_rebinds_its_name_gets_nowhere() {
    assert_eq!(status("evil.example", None).await, StatusCode::FORBIDDEN);
    assert_eq!(status("127.0.0.1", Some("http://evil.example")).await, StatusCode::FORBIDDEN);
    assert_eq!(status("127.0.0.1", Some("null")).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_says_who_and_where_from_stands_once() {
    let door = with::open().await;
    for (name, value) in
        [("host", "evil.example"), ("origin", "http://localhost"), ("authorization", "Bearer a")]
    {
        let mut request = modern("tools/list", json!({}));
        request.headers_mut().remove(name);
        for value in ["localhost", value] {
            request.headers_mut().append(name, value.parse().expect("a header"));
        }
        let (status, problem) = read(door.send(request).await).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains("twice")), "{problem}");
    }
}

#[tokio::test]
async fn only_the_paths_of_the_table_exist() {
    let door = with::open().await;
    let paths: Vec<&str> = gateway::paths().collect();
    assert_eq!(paths, ["/mcp", "/health", "/oauth/client-metadata.json"]);
    for path in ["/", "/api", "/api/servers", "/auth/login", "/approvals", "/mcp/x", "/healthz"] {
        let request = Request::get(path).header("host", "localhost").body(Body::empty());
        let (status, problem) = read(door.send(request.expect("a request")).await).await;
        assert_eq!((status, &problem["status"]), (StatusCode::NOT_FOUND, &json!(404)), "{path}");
    }
}

#[tokio::test]
async fn health_names_the_part_that_is_missing() {
    let door = with::open().await;
    let request = Request::get("/health").header("host", "localhost").body(Body::empty());
    let (status, health) = read(door.send(request.expect("a request")).await).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(health["database"], "connected");
    assert_eq!(health["sandbox"], "disconnected");
    let request = Request::post("/health").header("host", "localhost").body(Body::empty());
    let status = door.send(request.expect("a request")).await.status();
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn other_methods_than_those_of_the_protocol_are_refused() {
    let door = with::open().await;
    for method in [Method::PUT, Method::PATCH, Method::OPTIONS] {
        let request = Request::builder().method(&method).uri("/mcp").header("host", "localhost");
        let request = request.body(Body::empty()).expect("a request");
        let (status, problem) = read(door.send(request).await).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(problem["status"], 405, "{method}");
    }
}
