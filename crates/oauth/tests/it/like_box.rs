//! The way to tokens of servers with the oddities of Box, by the public functions and kept records alone.

use chrono::{DateTime, TimeDelta, Utc};
use oauth::{
    Age, Answer, AuthorizationServer, BearerChallenge, Callback, Client, Known, Login, PlainHttp,
    Post, ProtectedResource, Remedy, Scopes, Secret, Tokens, Wish, login, metadata_urls,
    registration,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

const PLAIN: PlainHttp = PlainHttp::Refused;
const REDIRECT: &str = "http://localhost:4444/callback";

/// What sealing and opening makes of a record.
fn kept<T: Serialize + DeserializeOwned>(record: &T) -> T {
    serde_json::from_str(&serde_json::to_string(record).unwrap()).unwrap()
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn field(form: &str, name: &str) -> Option<String> {
    let mut fields = url::form_urlencoded::parse(form.as_bytes());
    fields.find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

/// From the empty 401 to what the two documents say.
fn discovered() -> (ProtectedResource, AuthorizationServer) {
    let source = Url::parse("https://mcp.box.example").unwrap();
    let field = "Bearer realm=\"Service\", error=\"invalid_request\", error_description=\"The access token was not \
                 found.\", resource_metadata=\"https://mcp.box.example/.well-known/oauth-protected-resource\"";
    let challenge = BearerChallenge::find([field]).unwrap();
    let places = metadata_urls(&source, Some(&challenge), PLAIN);
    // With a slash at its end it would be answered with 401.
    let place = "https://mcp.box.example/.well-known/oauth-protected-resource";
    assert_eq!(places.iter().map(Url::as_str).collect::<Vec<_>>(), [place]);
    let body = br#"{"resource": "https://mcp.box.example/", "authorization_servers": ["https://api.box.example/"],
        "bearer_methods_supported": ["header"], "resource_name": "Box Model Context Protocol Server"}"#;
    let resource = ProtectedResource::read(body, &source, PLAIN).unwrap();
    let issuer = resource.authorization_servers.first().unwrap();
    let place = "https://api.box.example/.well-known/oauth-authorization-server";
    assert_eq!(issuer.metadata_urls().first().unwrap().as_str(), place);
    let body = br#"{"issuer": "https://api.box.example",
        "authorization_endpoint": "https://account.box.example/api/oauth2/authorize",
        "token_endpoint": "https://api.box.example/oauth2/token",
        "revocation_endpoint": "https://api.box.example/oauth2/revoke",
        "code_challenge_methods_supported": ["S256"], "response_types_supported": ["code"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]}"#;
    let server = AuthorizationServer::read(body, issuer, PLAIN).unwrap();
    (kept(&resource), kept(&server))
}

fn about() -> registration::About {
    registration::About {
        name: "mcpbox".to_owned(),
        home: None,
        redirect_uris: vec![REDIRECT.to_owned()],
        document: None,
    }
}

#[test]
fn an_admin_is_asked_for_the_client() {
    let (_, server) = discovered();
    let scopes = Scopes::default();
    let asked = registration::begin(&server, None, &about(), &scopes, now()).unwrap_err();
    assert!(asked.to_string().contains(REDIRECT), "{asked}");
    let given = Client::given(&server, "id", Some(Secret::new("secret")));
    let step = registration::begin(&server, Some(kept(&given)), &about(), &scopes, now());
    assert!(matches!(step, Ok(registration::Step::Done(client)) if client.id == "id"));
}

#[test]
fn a_login_gives_tokens_that_are_renewed_and_given_back() {
    let (resource, server) = discovered();
    let client = Client::given(&server, "id", Some(Secret::new("secret")));
    let (none, configured) = (Scopes::default(), Scopes::read("root_readwrite"));
    let known = Known {
        configured: &configured,
        challenged: &none,
        resource: &resource.scopes_supported,
        server: &server.scopes_supported,
    };
    let wish = Wish {
        resource: Some(&resource.resource),
        scopes: &Scopes::choose(known),
        redirect_uri: REDIRECT,
        owner: "box",
    };
    let begun = login::begin(&server, &client, wish, now()).unwrap();
    let url = Url::parse(begun.url.expose()).unwrap();
    assert_eq!(url.host_str(), Some("account.box.example"));
    let asked = |name| field(url.query().unwrap(), name);
    assert_eq!(asked("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(asked("scope").as_deref(), Some("root_readwrite"));

    let query = format!("code=abc&state={}", asked("state").unwrap());
    let callback = Callback::read(&query).unwrap();
    assert_eq!(callback.digest(), login::digest(begun.state.expose()));
    let waiting: Login = kept(&begun.login);
    let code = waiting.accept(&callback, now() + TimeDelta::seconds(20)).unwrap();
    let post = waiting.exchange(&server, &client, &code, now()).unwrap();
    sent_with_the_secret(&post, "https://api.box.example/oauth2/token");
    assert!(field(post.body.expose(), "code_verifier").is_some());

    let body =
        br#"{"access_token": "a1", "expires_in": 3600, "restricted_to": [], "refresh_token": "r1",
        "token_type": "bearer"}"#;
    let tokens = Tokens::read(Answer::new(200, body), &waiting.scopes, None, now()).unwrap();
    let tokens: Tokens = kept(&tokens);
    assert_eq!(tokens.scopes, configured);
    assert_eq!(tokens.age(now() + TimeDelta::minutes(56)), Age::Due);
    renewed_and_given_back(&tokens, &server, &client, &resource.resource);
}

fn renewed_and_given_back(
    tokens: &Tokens,
    server: &AuthorizationServer,
    client: &Client,
    resource: &str,
) {
    let post = tokens.renewal(server, client, Some(resource), now()).unwrap().unwrap();
    sent_with_the_secret(&post, "https://api.box.example/oauth2/token");
    assert_eq!(field(post.body.expose(), "refresh_token").as_deref(), Some("r1"));
    assert_eq!(field(post.body.expose(), "resource").as_deref(), Some("https://mcp.box.example/"));
    let body = br#"{"access_token": "a2", "expires_in": 3600, "refresh_token": "r2", "token_type": "bearer"}"#;
    let renewed =
        Tokens::read(Answer::new(200, body), &Scopes::default(), Some(tokens), now()).unwrap();
    assert_eq!(renewed.scopes, tokens.scopes);

    // The first refresh token is gone: nothing but a person helps.
    let body = br#"{"error": "invalid_grant", "error_description": "Refresh token has expired"}"#;
    let refused = Tokens::read(Answer::new(400, body), &Scopes::default(), Some(tokens), now());
    assert_eq!(refused.unwrap_err().remedy(), Remedy::Login);

    let post = renewed.revocation(server, client, now()).unwrap().unwrap();
    sent_with_the_secret(&post, "https://api.box.example/oauth2/revoke");
    assert_eq!(field(post.body.expose(), "token").as_deref(), Some("r2"));
    assert_eq!(oauth::tokens::revoked(Answer::new(200, b"")), Ok(()));
}

fn sent_with_the_secret(post: &Post, url: &str) {
    assert_eq!(post.url.as_str(), url);
    assert!(post.authorization.as_ref().is_some_and(|value| value.is("Basic aWQ6c2VjcmV0")));
    assert!(!post.body.expose().contains("secret"));
}
