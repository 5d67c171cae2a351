//! The ways to a client, and answers to registrations.

use super::*;
use crate::{Endpoint, Issuer, PlainHttp};

fn server(methods: &[&str]) -> AuthorizationServer {
    let endpoint = |path: &str| {
        Endpoint::read("a test", &format!("https://a.example/{path}"), PlainHttp::Refused).unwrap()
    };
    let issuer = Issuer::read("https://a.example", PlainHttp::Refused).unwrap();
    let mut server = AuthorizationServer::given(issuer, None, endpoint("token"));
    server.registration_endpoint = Some(endpoint("register"));
    server.token_endpoint_auth_methods = methods.iter().map(ToString::to_string).collect();
    server
}

fn about() -> About {
    About {
        name: "mcpbox".to_owned(),
        home: Some("https://box.example/".parse().unwrap()),
        redirect_uris: vec!["https://box.example/oauth/callback".to_owned()],
        document: Some("https://box.example/oauth/client-metadata.json".parse().unwrap()),
    }
}

fn step(
    server: &AuthorizationServer,
    kept: Option<Client>,
    about: &About,
) -> Result<Step, RegistrationError> {
    begin(server, kept, about, &Scopes::read("a b"), DateTime::UNIX_EPOCH)
}

fn done(step: Result<Step, RegistrationError>) -> Client {
    match step.unwrap() {
        Step::Done(client) => client,
        Step::Register(post) => panic!("{post:?}"),
    }
}

fn asked(step: Result<Step, RegistrationError>) -> Value {
    match step.unwrap() {
        Step::Register(post) => serde_json::from_str(post.body.expose()).unwrap(),
        Step::Done(client) => panic!("{client:?}"),
    }
}

#[test]
fn a_client_that_is_there_comes_first() {
    let mut server = server(&["none"]);
    server.takes_client_documents = true;
    let given = Client::given(&server, "me", Some(Secret::new("x")));
    assert_eq!(done(step(&server, Some(given.clone()), &about())).id, "me");
    // One of another server, or one that has ended, is as if absent.
    let issuer = Issuer::read("https://b.example", PlainHttp::Refused).unwrap();
    let foreign = Client { issuer, ..given.clone() };
    assert_eq!(done(step(&server, Some(foreign), &about())).origin, Origin::Document);
    let ended = Client { expires_at: Some(DateTime::UNIX_EPOCH), ..given };
    assert_eq!(done(step(&server, Some(ended), &about())).origin, Origin::Document);
}

#[test]
fn our_own_metadata_comes_before_registration_where_the_server_takes_it() {
    let mut server = server(&["none"]);
    assert_eq!(asked(step(&server, None, &about()))["application_type"], "web");
    server.takes_client_documents = true;
    let client = done(step(&server, None, &about()));
    assert_eq!(client.id, "https://box.example/oauth/client-metadata.json");
    assert!(matches!(client.credential, Credential::None));
    for url in
        ["https://localhost/oauth/client.json", "http://box.example/c.json", "https://box.example/"]
    {
        let about = About { document: Some(url.parse().unwrap()), ..about() };
        assert!(asked(step(&server, None, &about)).is_object(), "{url}");
    }
}

#[test]
fn a_registration_says_what_we_are() {
    let expected = json!({
        "client_name": "mcpbox",
        "client_uri": "https://box.example/",
        "redirect_uris": ["https://box.example/oauth/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_post",
        "application_type": "web",
        "scope": "a b",
    });
    assert_eq!(asked(step(&server(&["none", "client_secret_post"]), None, &about())), expected);
    let method = |methods| {
        asked(step(&server(methods), None, &about()))["token_endpoint_auth_method"].clone()
    };
    assert_eq!(method(&["none"]), "none");
    assert_eq!(method(&["none", "client_secret_basic"]), "client_secret_basic");
    assert_eq!(method(&["tls_client_auth"]), "client_secret_basic");
}

#[test]
fn our_metadata_names_its_own_url() {
    let document = about().document().unwrap();
    assert_eq!(document["client_id"], "https://box.example/oauth/client-metadata.json");
    assert_eq!(document["token_endpoint_auth_method"], "none");
    assert_eq!(document["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(About { document: None, ..about() }.document(), None);
}

#[test]
fn without_a_way_the_admin_is_asked() {
    let mut server = server(&["client_secret_basic"]);
    server.registration_endpoint = None;
    let error = step(&server, None, &about()).unwrap_err().to_string();
    assert!(
        error.contains("https://box.example/oauth/callback") && error.contains("client id"),
        "{error}"
    );
}

fn answer(methods: &[&str], body: &str) -> Result<Client, RegistrationError> {
    registered(&server(methods), Answer::new(201, body.as_bytes()))
}

#[test]
fn the_method_of_the_answer_counts_then_what_the_server_takes() {
    let method = |methods, body| answer(methods, body).unwrap().credential.to_string();
    let secret = r#"{"client_id": "me", "client_secret": "x"}"#;
    assert_eq!(method(&["client_secret_basic"], secret), "client_secret_basic");
    assert_eq!(method(&["client_secret_post"], secret), "client_secret_post");
    assert_eq!(method(&["none"], secret), "none");
    assert_eq!(method(&["client_secret_post"], r#"{"client_id": "me"}"#), "none");
    let named = r#"{"client_id": "me", "client_secret": "x", "token_endpoint_auth_method": "client_secret_post"}"#;
    assert_eq!(method(&["client_secret_basic"], named), "client_secret_post");
}

#[test]
fn the_end_of_a_secret_is_kept_and_zero_is_never() {
    let end = |value: &str| {
        let body = format!("{{\"client_id\": \"me\", \"client_secret_expires_at\": {value}}}");
        answer(&["none"], &body).unwrap().expires_at.map(|end| end.timestamp())
    };
    assert_eq!(end("1800000000"), Some(1_800_000_000));
    assert_eq!((end("0"), end("null"), end("-1"), end("1e300")), (None, None, None, None));
}

#[test]
fn refusals_say_why() {
    let read = |status, body: &str| {
        registered(&server(&[]), Answer::new(status, body.as_bytes())).unwrap_err()
    };
    let body = r#"{"error": "invalid_redirect_uri", "error_description": "not\nthis one"}"#;
    assert_eq!(read(400, body), RegistrationError::Refused("not this one".to_owned()));
    assert_eq!(read(403, "<html>"), RegistrationError::Unreadable(403));
    assert_eq!(read(201, "{}"), RegistrationError::Unreadable(201));
    assert_eq!(read(503, "{}"), RegistrationError::Later(503));
    assert_eq!(read(400, r#"{"client_id": "me"}"#), RegistrationError::Unreadable(400));
}
