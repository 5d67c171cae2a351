//! Sources that go elsewhere, and sources that name others: nobody is shown what is not for them.

use std::time::Duration;

use app::external_sources::oauth::{self, Begun, NewTokens};
use app::external_sources::{self, OauthGrant, OauthSettings, RefreshOwner};

use super::desk::{Desk, by_login, call, wish};
use super::issuer::Issuer;

/// Changes where the source is; what comes of that.
async fn moves(desk: &Desk) -> app::Result<()> {
    let elsewhere = desk.issuer.url.replace("/mcp", "/other");
    let wish = wish("vault", &elsewhere, by_login());
    external_sources::update(&desk.app, &desk.admin, desk.id(), &wish).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_was_left_is_not_shown_what_is_for_the_next_one() {
    let desk = Desk::new().await;
    desk.log_in().await;
    let name = desk.tool().await;
    desk.issuer.state().keeps = true;
    let app = desk.app.clone();
    let calling = tokio::spawn(async move { call(&app, &name).await });
    let before = desk.issuer.state().heard[0];
    while desk.issuer.state().heard[0] == before {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    moves(&desk).await.expect("it is moved");
    let new = NewTokens {
        access_token: "for-the-next-place".into(),
        refresh_token: None,
        token_type: None,
        expires_at: None,
        scope: None,
    };
    oauth::put_tokens(&desk.app, &desk.admin, desk.id(), new).await.expect("they are taken");
    // What the old place says now would have it called again, with the token that there is.
    desk.issuer.forget_access();
    desk.issuer.state().keeps = false;
    let report = calling.await.expect("it ends").expect("it is logged");
    report.outcome.expect_err("the place refuses its token");
    let seen = desk.issuer.state().seen.clone();
    assert!(!seen.is_empty() && seen.iter().all(|it| !it.contains("for-the-next")), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_come_when_the_source_is_elsewhere_are_given_back() {
    let desk = Desk::new().await;
    let back = desk.issuer.agree(&desk.visit().await);
    desk.issuer.state().holds = true;
    let finishing = async {
        let finished = desk.finish(&back).await;
        finished.expect_err("it is another login").to_string()
    };
    let moving = async {
        while desk.issuer.asked("authorization_code").is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        moves(&desk).await.expect("it is moved");
        desk.issuer.state().holds = false;
    };
    let (told, ()) = tokio::join!(finishing, moving);
    assert!(told.contains("connect it again"), "{told}");
    assert_eq!(desk.detail().await.tokens, None);
    assert!(desk.issuer.state().revoked[0].starts_with("refresh"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_does_not_say_who_takes_back_what_a_server_that_people_wrote_down_gave() {
    let given = Issuer::start().await;
    let settings = OauthSettings {
        grant: OauthGrant::ClientCredentials,
        client_id: Some("robot".to_owned()),
        token_url: Some(format!("{}/token", given.address)),
        ..OauthSettings::default()
    };
    let desk = Desk::with(settings.clone()).await;
    let secret = || Some("a-secret-of-the-client".into());
    oauth::set_client_secret(&desk.app, &desk.admin, desk.id(), secret()).await.expect("set");
    let hosts = [given.host(), desk.issuer.host()];
    assert_eq!(desk.begin(&hosts).await.expect("it begins"), Begun::Connected);
    oauth::disconnect(&desk.app, &desk.admin, desk.id()).await.expect("no more");
    let told = desk.issuer.state().revoked.clone();
    assert!(told.is_empty(), "that of the source: {told:?}");

    let revoke_url = Some(format!("{}/revoke", given.address));
    desk.set(OauthSettings { revoke_url, ..settings }).await;
    assert_eq!(desk.begin(&hosts).await.expect("it begins"), Begun::Connected);
    assert_eq!(desk.detail().await.source.refresh_owner, RefreshOwner::Gateway);
    oauth::disconnect(&desk.app, &desk.admin, desk.id()).await.expect("no more");
    assert!(desk.issuer.state().revoked.is_empty());
    assert_eq!(given.state().revoked.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_secret_of_one_client_is_not_that_of_the_next() {
    let desk =
        Desk::with(OauthSettings { client_id: Some("first".to_owned()), ..by_login() }).await;
    let has = async || oauth::has_credentials(&desk.app, desk.id()).await.expect("read").0;
    let secret = Some("a-secret-of-the-client".into());
    oauth::set_client_secret(&desk.app, &desk.admin, desk.id(), secret).await.expect("set");
    let scopes = vec!["read".to_owned()];
    desk.set(OauthSettings { client_id: Some("first".to_owned()), scopes, ..by_login() }).await;
    assert!(has().await);
    desk.set(OauthSettings { client_id: Some("second".to_owned()), ..by_login() }).await;
    assert!(!has().await);
}
