//! Logins: what is in their addresses and in the requests for tokens.

use std::collections::BTreeMap;

use super::*;
use crate::{Endpoint, PlainHttp};

fn server(authorize: &str) -> AuthorizationServer {
    let endpoint = |text: &str| Endpoint::read("a test", text, PlainHttp::Refused).unwrap();
    let issuer = Issuer::read("https://a.example", PlainHttp::Refused).unwrap();
    let token = endpoint("https://a.example/token");
    AuthorizationServer::given(issuer, Some(endpoint(authorize)), token)
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn begun(server: &AuthorizationServer, resource: Option<&str>, scopes: &str) -> Begun {
    let scopes = Scopes::read(scopes);
    let redirect_uri = "https://box.example/oauth/callback";
    let wish = Wish { resource, scopes: &scopes, redirect_uri, owner: "source 1" };
    begin(server, &Client::given(server, "my id", None), wish, now()).unwrap()
}

fn query(url: &Secret) -> BTreeMap<String, String> {
    let url = Url::parse(url.expose()).unwrap();
    let fields: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let map: BTreeMap<String, String> = fields.iter().cloned().collect();
    assert_eq!(map.len(), fields.len(), "no field twice");
    map
}

#[test]
fn the_challenge_is_that_of_the_rfc() {
    // RFC 7636, appendix B.
    let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[test]
fn the_address_has_everything_and_the_request_proves_it() {
    let server = server("https://a.example/authorize");
    let begun = begun(&server, Some("https://r.example/mcp"), "a b");
    let mut asked = query(&begun.url);
    let challenged = asked.remove("code_challenge").unwrap();
    assert_eq!(asked.remove("state").as_deref(), Some(begun.state.expose()));
    let expected = [
        ("client_id", "my id"),
        ("code_challenge_method", "S256"),
        ("redirect_uri", "https://box.example/oauth/callback"),
        ("resource", "https://r.example/mcp"),
        ("response_type", "code"),
        ("scope", "a b"),
    ];
    assert_eq!(asked, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());

    let client = Client::given(&server, "my id", None);
    let post = begun.login.exchange(&server, &client, &Secret::new("c&d"), now()).unwrap();
    assert_eq!(post.url.as_str(), "https://a.example/token");
    let body = Secret::new(format!("https://x.example/?{}", post.body.expose()));
    let mut sent = query(&body);
    assert_eq!(challenge(&Secret::new(sent.remove("code_verifier").unwrap())), challenged);
    let expected = [
        ("client_id", "my id"),
        ("code", "c&d"),
        ("grant_type", "authorization_code"),
        ("redirect_uri", "https://box.example/oauth/callback"),
        ("resource", "https://r.example/mcp"),
    ];
    assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

#[test]
fn what_is_not_known_is_left_out_and_the_endpoints_query_stays() {
    let server = server("https://a.example/authorize?tenant=a%26b&state=x&scope=y");
    let asked = query(&begun(&server, None, "").url);
    assert_eq!(asked["tenant"], "a&b");
    assert_ne!(asked["state"], "x");
    assert!(!asked.contains_key("resource") && !asked.contains_key("prompt"));
    let asked = query(&begun(&server, None, "a offline_access").url);
    assert_eq!(
        (asked["prompt"].as_str(), asked["scope"].as_str()),
        ("consent", "a offline_access")
    );
}

#[test]
fn a_server_without_s256_is_not_used() {
    let mut server = server("https://a.example/authorize");
    server.does_s256 = false;
    let wish = Wish { resource: None, scopes: &Scopes::default(), redirect_uri: "", owner: "" };
    let refused = begin(&server, &Client::given(&server, "me", None), wish, now());
    assert!(matches!(refused, Err(LoginError::Server(ServerError::NoPkce(_)))));
}

#[test]
fn nothing_goes_to_another_server_or_for_another_client() {
    let server = server("https://a.example/authorize");
    let begun = begun(&server, None, "");
    let mut other = server.clone();
    other.issuer = Issuer::read("https://b.example", PlainHttp::Refused).unwrap();
    let wish = Wish { resource: None, scopes: &Scopes::default(), redirect_uri: "", owner: "" };
    let client = Client::given(&server, "my id", None);
    assert!(matches!(begin(&other, &client, wish, now()), Err(LoginError::Client(_))));
    let code = Secret::new("c");
    let theirs = Client::given(&other, "my id", None);
    assert!(matches!(
        begun.login.exchange(&other, &theirs, &code, now()),
        Err(LoginError::Changed)
    ));
    let new = Client::given(&server, "new", None);
    assert!(matches!(begun.login.exchange(&server, &new, &code, now()), Err(LoginError::Changed)));
    assert!(begun.login.exchange(&server, &client, &code, now()).is_ok());
}

#[test]
fn a_login_can_be_kept_and_does_not_print() {
    let begun = begun(&server("https://a.example/authorize"), None, "a");
    let printed = format!("{begun:?}");
    assert!(!printed.contains(begun.state.expose()));
    assert!(!printed.contains(begun.login.verifier.expose()));
    let kept = serde_json::to_string(&begun.login).unwrap();
    assert!(!kept.contains(begun.state.expose()));
    let kept: Login = serde_json::from_str(&kept).unwrap();
    assert!(kept.verifier.is(begun.login.verifier.expose()));
    assert_eq!((kept.scopes, kept.expires_at), (Scopes::read("a"), now() + LIFE));
}
