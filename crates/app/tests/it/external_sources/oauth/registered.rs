//! Sources that a program registered: the authorization server that their metadata names is allowed with them.

use app::external_sources::registration::written::{
    Written, WrittenAuth, WrittenOauth, WrittenTokens,
};
use app::external_sources::registration::{self, understand};
use app::external_sources::{self, Status, grants_of};
use uuid::Uuid;

use super::desk::{Desk, by_login};
use super::issuer::Issuer;

const ACCESS: &str = "brought-0123456789";
const REFRESH: &str = "refresh-of-the-client";

fn client() -> WrittenOauth {
    WrittenOauth {
        client_id: Some("robot".to_owned()),
        client_secret: Some("a-secret-of-the-client".into()),
        ..WrittenOauth::default()
    }
}

fn with_tokens() -> WrittenOauth {
    let tokens = WrittenTokens {
        access_token: ACCESS.into(),
        refresh_token: Some(REFRESH.into()),
        token_type: None,
        expires_at: None,
        expires_in: Some(3600),
        scope: None,
    };
    WrittenOauth { tokens: Some(tokens), ..client() }
}

/// Registers the issuer's source; gives its id.
async fn register(desk: &Desk, oauth: WrittenOauth) -> Uuid {
    let auth = WrittenAuth { kind: "oauth2.1".to_owned(), oauth, ..WrittenAuth::default() };
    let written = Written {
        name: Some("registered".to_owned()),
        url: Some(desk.issuer.url.clone()),
        auth: Some(auth),
        ..Written::default()
    };
    let registration = understand(&written, None).expect("it is understood");
    let source = registration::register(&desk.app, &desk.admin, &registration).await;
    source.expect("it is registered").id
}

async fn discover(desk: &Desk, id: Uuid) -> app::Result<()> {
    let who = desk.admin.clone().into();
    external_sources::discover(&desk.app, &who, id).await.map(drop)
}

async fn grants(desk: &Desk, id: Uuid) -> Vec<String> {
    grants_of(&external_sources::get(&desk.app, id).await.expect("read").source)
}

/// The tokens that a client brings are known to the issuer.
fn know(issuer: &Issuer) {
    issuer.state().access.insert(ACCESS.to_owned(), String::new());
    issuer.state().refresh.insert(REFRESH.to_owned());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_with_their_client_are_renewed_at_the_server_that_the_source_names() {
    let desk = Desk::with(by_login()).await;
    know(&desk.issuer);
    let id = register(&desk, with_tokens()).await;
    assert!(grants(&desk, id).await.contains(&desk.issuer.host()), "{:?}", grants(&desk, id).await);
    assert!(desk.audited().await.contains(&"source.hosts_granted".to_owned()));
    desk.issuer.forget_access();
    discover(&desk, id).await.expect("another token is got");
    let asked = desk.issuer.asked("refresh_token");
    assert_eq!((asked.len(), &*asked[0]["basic"]), (1, "robot:a-secret-of-the-client"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_asks_for_itself_needs_no_person_at_all() {
    let desk = Desk::with(by_login()).await;
    let alone = WrittenOauth { grant_type: Some("client_credentials".to_owned()), ..client() };
    let id = register(&desk, alone).await;
    let detail = external_sources::get(&desk.app, id).await.expect("read");
    assert_eq!((detail.status(), detail.source.tool_count), (Status::Active, 1));
    // One that a person added on the pages is left to a person.
    assert!(!grants(&desk, desk.id()).await.contains(&desk.issuer.host()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_found_later_is_allowed_later_and_another_one_never() {
    let desk = Desk::with(by_login()).await;
    know(&desk.issuer);
    // Nobody is there.
    desk.issuer.state().moved = Some("http://127.0.0.1:9".to_owned());
    let id = register(&desk, with_tokens()).await;
    assert!(!grants(&desk, id).await.contains(&desk.issuer.host()));
    desk.issuer.forget_access();
    discover(&desk, id).await.expect_err("it cannot be renewed");
    desk.issuer.state().moved = None;
    tokio::time::sleep(std::time::Duration::from_millis(5_100)).await;
    discover(&desk, id).await.expect("another token is got");
    assert!(grants(&desk, id).await.contains(&desk.issuer.host()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_names_another_server_later_shows_it_nothing() {
    let (desk, other) = (Desk::with(by_login()).await, Issuer::start().await);
    know(&desk.issuer);
    let id = register(&desk, with_tokens()).await;
    desk.issuer.state().moved = Some(other.address.clone());
    desk.issuer.forget_access();
    discover(&desk, id).await.expect_err("it belongs to another one");
    let tokens = external_sources::get(&desk.app, id).await.expect("read").tokens;
    let why = tokens.and_then(|tokens| tokens.failure).expect("it says why");
    assert!(why.contains(&other.host()) && why.contains("not allowed"), "{why}");
    assert!(!grants(&desk, id).await.contains(&other.host()));
    assert!(other.state().asked.is_empty() && desk.issuer.state().asked.is_empty());
}
