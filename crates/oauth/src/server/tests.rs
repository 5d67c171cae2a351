//! What of an authorization server's metadata is believed.

use super::*;
use serde_json::{Value, json};

fn issuer(text: &str) -> Issuer {
    Issuer::read(text, PlainHttp::Loopback).unwrap()
}

fn full() -> Value {
    json!({
        "issuer": "https://a.example/tenant",
        "authorization_endpoint": "https://a.example/authorize?tenant=1",
        "token_endpoint": "https://a.example/token",
        "registration_endpoint": "https://a.example/register",
        "revocation_endpoint": "https://a.example/revoke",
        "scopes_supported": ["a", "offline_access"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "grant_types_supported": ["authorization_code"],
        "client_id_metadata_document_supported": true,
        "authorization_response_iss_parameter_supported": true,
        "x": {"y": [null]},
    })
}

fn with(name: &str, value: Value) -> Result<AuthorizationServer, ServerError> {
    let mut document = full();
    document[name] = value;
    read(&document)
}

fn read(document: &Value) -> Result<AuthorizationServer, ServerError> {
    let asked = issuer("https://a.example/tenant");
    AuthorizationServer::read(document.to_string().as_bytes(), &asked, PlainHttp::Refused)
}

#[test]
fn everything_is_read_and_can_be_kept() {
    let server = read(&full()).unwrap();
    assert!(server.does_s256 && server.takes_client_documents && server.promises_iss);
    assert!(server.takes_method("none") && !server.takes_method("client_secret_basic"));
    assert!(server.scopes_supported.has("offline_access"));
    assert_eq!(server.login_endpoint().unwrap().url().query(), Some("tenant=1"));
    let kept = serde_json::to_string(&server).unwrap();
    assert_eq!(serde_json::from_str::<AuthorizationServer>(&kept).unwrap(), server);
}

#[test]
fn what_is_missing_has_its_default() {
    let server = read(
        &json!({"issuer": "https://a.example/tenant", "token_endpoint": "https://a.example/t"}),
    );
    let server = server.unwrap();
    assert_eq!(server.token_endpoint_auth_methods, ["client_secret_basic"]);
    assert!(!server.does_s256 && !server.takes_client_documents && !server.promises_iss);
    assert_eq!((server.registration_endpoint, server.grant_types), (None, None));
}

#[test]
fn the_issuer_is_the_one_asked_but_for_a_slash() {
    for other in [
        "https://b.example/tenant",
        "https://a.example",
        "https://a.example/Tenant",
        "https://a.example:443/tenant",
        "https://a.example/tenant//",
        "https://a.example/tenant?x",
        "javascript:alert(1)",
    ] {
        let error = with("issuer", json!(other)).unwrap_err();
        assert!(matches!(error, ServerError::OtherIssuer { .. }), "{other}: {error}");
    }
    let server = with("issuer", json!("https://a.example/tenant/")).unwrap();
    assert_eq!(server.issuer.as_str(), "https://a.example/tenant/");
}

#[test]
fn without_s256_nobody_logs_in() {
    for methods in [json!(null), json!([]), json!(["plain"]), json!("S256")] {
        let server = with("code_challenge_methods_supported", methods).unwrap();
        assert!(matches!(server.login_endpoint(), Err(ServerError::NoPkce(_))));
    }
    assert!(read(&full()).unwrap().login_endpoint().is_ok());
    let server = with("authorization_endpoint", json!(null)).unwrap();
    assert!(matches!(server.login_endpoint(), Err(ServerError::NoAuthorizationEndpoint(_))));
}

#[test]
fn endpoints_without_tls_are_refused_and_optional_ones_left_out() {
    for name in ["token_endpoint", "authorization_endpoint"] {
        let error = with(name, json!("http://a.example/x")).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        assert!(with(name, json!("javascript:alert(1)")).is_err());
    }
    let server = with("revocation_endpoint", json!("http://a.example/x")).unwrap();
    assert_eq!(server.revocation_endpoint, None);
    let error = with("token_endpoint", json!(null)).unwrap_err();
    assert!(matches!(error, ServerError::NoTokenEndpoint(_)));
}

#[test]
fn http_works_on_this_machine_where_the_caller_says_so() {
    let asked = issuer("http://localhost:9000");
    let document =
        json!({"issuer": asked.as_str(), "token_endpoint": "http://localhost:9000/token"});
    let body = document.to_string();
    assert!(AuthorizationServer::read(body.as_bytes(), &asked, PlainHttp::Loopback).is_ok());
    assert!(AuthorizationServer::read(body.as_bytes(), &asked, PlainHttp::Refused).is_err());
}

#[test]
fn older_servers_have_their_endpoints_at_the_origin() {
    let server =
        AuthorizationServer::by_convention(&issuer("https://a.example:8443"), PlainHttp::Refused);
    let server = server.unwrap();
    assert_eq!(server.token_endpoint.to_string(), "https://a.example:8443/token");
    assert_eq!(server.login_endpoint().unwrap().to_string(), "https://a.example:8443/authorize");
    assert_eq!(server.registration_endpoint.unwrap().url().path(), "/register");
}

#[test]
fn what_is_no_metadata_is_unreadable() {
    for body in ["", "[]", "{}", "<html>", r#"{"issuer": 1}"#] {
        let asked = issuer("https://a.example");
        let read = AuthorizationServer::read(body.as_bytes(), &asked, PlainHttp::Refused);
        assert!(matches!(read, Err(ServerError::Unreadable(_))), "{body}");
    }
}
