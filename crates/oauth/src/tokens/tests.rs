//! Tokens as servers give them, and the requests for more.

use super::*;
use crate::{Endpoint, Issuer, PlainHttp, PrivateKey};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn read(body: &str, previous: Option<&Tokens>) -> Result<Tokens, TokenError> {
    Tokens::read(Answer::new(200, body.as_bytes()), &Scopes::read("asked"), previous, now())
}

fn tokens(body: &str) -> Tokens {
    read(body, None).unwrap()
}

/// A server with a place for revocations, and its client.
fn peers(secret: Option<&str>) -> (AuthorizationServer, Client) {
    let endpoint = |text| Endpoint::read("a test", text, PlainHttp::Refused).unwrap();
    let issuer = Issuer::read("https://a.example", PlainHttp::Refused).unwrap();
    let mut server = AuthorizationServer::given(issuer, None, endpoint("https://a.example/token"));
    server.revocation_endpoint = Some(endpoint("https://a.example/revoke"));
    let client = Client::given(&server, "me", secret.map(Secret::new));
    (server, client)
}

fn lives(expires_in: &str) -> i64 {
    let read = tokens(&format!("{{\"access_token\": \"a\", \"expires_in\": {expires_in}}}"));
    (read.expires_at - now()).num_seconds()
}

#[test]
fn those_of_box_are_read() {
    let body = r#"{"access_token": "c3FIOG9vSGV4VHo4QzAy", "expires_in": 3971, "restricted_to": [],
        "refresh_token": "c3FIOG9vSGV4VHo4QzAyg5T1JvNnJoZ3ExaVNyQWw6WjRsanRKZG5lQk9qUE1BVQ", "token_type": "bearer"}"#;
    let read = tokens(body);
    assert!(read.access.is("c3FIOG9vSGV4VHo4QzAy") && read.refresh.is_some());
    assert_eq!((read.expires_at - now()).num_seconds(), 3971);
    assert_eq!(read.scopes, Scopes::read("asked"));
    assert!(read.authorization().is("Bearer c3FIOG9vSGV4VHo4QzAy"));
}

#[test]
fn a_life_that_is_not_said_is_an_hour() {
    assert_eq!((lives("60"), lives("\"60\""), lives("59.9")), (60, 60, 59));
    for none in ["null", "0", "-5", "\"soon\"", "[]", "0.5"] {
        assert_eq!(lives(none), 3600, "{none}");
    }
    assert_eq!(lives("1e300"), LONGEST_LIFE.num_seconds());
    assert_eq!(lives("9223372036854775807"), LONGEST_LIFE.num_seconds());
    assert_eq!(lives("99999999999999999999999"), LONGEST_LIFE.num_seconds());
}

#[test]
fn what_is_not_renewed_stays() {
    let old = tokens(r#"{"access_token": "a", "refresh_token": "r", "scope": "x y"}"#);
    assert_eq!(old.scopes, Scopes::read("x y"));
    let new = read(r#"{"access_token": "b"}"#, Some(&old)).unwrap();
    assert!(new.access.is("b") && new.refresh.unwrap().is("r"));
    assert_eq!(new.scopes, Scopes::read("x y"));
    let new =
        read(r#"{"access_token": "b", "refresh_token": "s", "scope": "x"}"#, Some(&old)).unwrap();
    assert!(new.refresh.unwrap().is("s"));
    assert_eq!(new.scopes, Scopes::read("x"));
    assert!(tokens(r#"{"access_token": "b"}"#).refresh.is_none());
}

#[test]
fn the_kind_is_bearer_in_any_case() {
    for kind in ["Bearer", "bearer", "BEARER", ""] {
        assert!(read(&format!(r#"{{"access_token": "a", "token_type": "{kind}"}}"#), None).is_ok());
    }
    let refused = read(r#"{"access_token": "a", "token_type": "DPoP"}"#, None).unwrap_err();
    assert_eq!(refused, TokenError::OtherKind("DPoP".to_owned()));
}

#[test]
fn errors_with_any_status_and_bodies_that_are_no_json_are_told_apart() {
    let error = read(r#"{"error": "bad_verification_code"}"#, None).unwrap_err();
    assert_eq!(error, TokenError::Ended(None));
    for body in ["", "<html>", "{}", r#"{"access_token": ""}"#, r#"{"access_token": "a\r\nX: y"}"#]
    {
        assert_eq!(read(body, None).unwrap_err(), TokenError::Unreadable { status: 200 }, "{body}");
    }
    let body = br#"{"access_token": "a"}"#;
    let failed = Tokens::read(Answer::new(400, body), &Scopes::default(), None, now());
    assert_eq!(failed.unwrap_err(), TokenError::Unreadable { status: 400 });
}

#[test]
fn a_token_is_renewed_ahead_of_its_end_but_not_before_half_of_its_life() {
    let due = |expires_in: &str| {
        let read = tokens(&format!("{{\"access_token\": \"a\", \"expires_in\": {expires_in}}}"));
        (read.due_at() - now()).num_seconds()
    };
    assert_eq!((due("3600"), due("600"), due("60")), (3300, 300, 30));
    let read = tokens(r#"{"access_token": "a", "expires_in": 3600}"#);
    let age = |seconds| read.age(now() + TimeDelta::seconds(seconds));
    assert_eq!((age(0), age(3299)), (Age::Fresh, Age::Fresh));
    assert_eq!((age(3300), age(3599), age(3600)), (Age::Due, Age::Due, Age::Over));
}

#[test]
fn a_renewal_names_the_resource_and_shows_the_client() {
    let (server, client) = peers(Some("secret"));
    let old = tokens(r#"{"access_token": "a", "refresh_token": "r&r"}"#);
    let post = old.renewal(&server, &client, Some("https://r.example/"), now()).unwrap().unwrap();
    let body = "grant_type=refresh_token&refresh_token=r%26r&resource=https%3A%2F%2Fr.example%2F";
    assert_eq!((post.url.as_str(), post.body.expose()), ("https://a.example/token", body));
    assert!(post.authorization.unwrap().is("Basic bWU6c2VjcmV0"));
    assert!(tokens(r#"{"access_token": "a"}"#).renewal(&server, &client, None, now()).is_none());
}

#[test]
fn a_client_asks_for_itself_with_a_secret_or_a_key() {
    let (server, client) = peers(Some("secret"));
    let extra = [("box_subject_type".to_owned(), "enterprise".to_owned())];
    let scopes = Scopes::read("a b");
    let wish = OwnWish { resource: None, scopes: &scopes, extra: &extra };
    let post = client_credentials(&server, &client, wish, now()).unwrap();
    let body = "grant_type=client_credentials&scope=a+b&box_subject_type=enterprise";
    assert_eq!(post.body.expose(), body);
    let pem = Secret::new(include_str!("../key/test-rsa.pem"));
    let client = Client::with_key(&server, "me", PrivateKey::read(&pem, None).unwrap());
    let wish = OwnWish { resource: Some("r"), scopes: &Scopes::default(), extra: &[] };
    let post = client_credentials(&server, &client, wish, now()).unwrap();
    let expected = "grant_type=client_credentials&resource=r&client_id=me&client_assertion_type=urn%3Aietf%3Aparams%3A\
                    oauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=eyJ";
    assert!(post.body.expose().starts_with(expected) && post.authorization.is_none());
}

#[test]
fn the_refresh_token_is_given_back_else_the_access_token() {
    let (mut server, client) = peers(None);
    let sent = |tokens: Tokens, server: &AuthorizationServer| {
        let post = tokens.revocation(server, &client, now())?.unwrap();
        assert_eq!(post.url.as_str(), "https://a.example/revoke");
        Some(post.body.expose().to_owned())
    };
    let both = tokens(r#"{"access_token": "a", "refresh_token": "r"}"#);
    let body = "token=r&token_type_hint=refresh_token&client_id=me".to_owned();
    assert_eq!(sent(both.clone(), &server), Some(body));
    let body = "token=a&token_type_hint=access_token&client_id=me".to_owned();
    assert_eq!(sent(tokens(r#"{"access_token": "a"}"#), &server), Some(body));
    server.revocation_endpoint = None;
    assert_eq!(sent(both, &server), None);
}

#[test]
fn a_token_that_is_gone_is_given_back() {
    assert_eq!(revoked(Answer::new(200, b"")), Ok(()));
    assert_eq!(revoked(Answer::new(400, br#"{"error": "invalid_grant"}"#)), Ok(()));
    let refused = revoked(Answer::new(401, br#"{"error": "invalid_client"}"#));
    assert_eq!(refused, Err(TokenError::Client(None)));
    assert!(matches!(revoked(Answer::new(503, b"")), Err(TokenError::Later { .. })));
}

#[test]
fn tokens_can_be_kept_and_do_not_print() {
    let read = tokens(r#"{"access_token": "acc3ss", "refresh_token": "r3fresh", "scope": "x"}"#);
    let printed = format!("{read:?}");
    assert!(!printed.contains("acc3ss") && !printed.contains("r3fresh"));
    let kept: Tokens = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    assert!(kept.access.is("acc3ss") && kept.refresh.unwrap().is("r3fresh"));
    assert_eq!((kept.scopes, kept.expires_at), (read.scopes, read.expires_at));
}
