//! Sources whose client asks for tokens itself, without a person.

use app::Error;
use app::external_sources::oauth::{self, Begun, NewKey};
use app::external_sources::{OauthGrant, OauthSettings, Status};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::desk::Desk;

/// A key that was made for tests.
const KEY: &str = include_str!("../../../../../oauth/src/key/test-rsa.pem");

fn alone() -> OauthSettings {
    OauthSettings {
        grant: OauthGrant::ClientCredentials,
        client_id: Some("robot".to_owned()),
        ..OauthSettings::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_with_a_secret_needs_nobody_to_log_in() {
    let desk = Desk::with(alone()).await;
    let secret = Some("a-secret-of-the-client".into());
    oauth::set_client_secret(&desk.app, &desk.admin, desk.id(), secret).await.expect("set");
    let begun = desk.begin(&[desk.issuer.host()]).await.expect("it begins");
    assert_eq!(begun, Begun::Connected);
    let asked = desk.issuer.asked("client_credentials")[0].clone();
    assert_eq!(asked["basic"], "robot:a-secret-of-the-client");
    assert_eq!(asked["resource"], desk.issuer.url);
    let name = desk.tool().await;
    desk.call(&name).await.expect("logged").outcome.expect("it ran");

    desk.issuer.forget_access();
    desk.call(&name).await.expect("logged").outcome.expect("it asked for another");
    assert_eq!(desk.issuer.asked("client_credentials").len(), 2);
    oauth::disconnect(&desk.app, &desk.admin, desk.id()).await.expect("no more");
    desk.call(&name).await.expect("logged").outcome.expect("it asks by itself");
    assert_eq!(desk.detail().await.status(), Status::Active);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_with_a_key_signs() {
    let desk = Desk::with(alone()).await;
    let key = |pem: &str| {
        let (key_id, audience) = (Some("first".to_owned()), None);
        Some(NewKey { pem: pem.into(), algorithm: None, key_id, audience })
    };
    let refused = oauth::set_private_key(&desk.app, &desk.admin, desk.id(), key("no key")).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    oauth::set_private_key(&desk.app, &desk.admin, desk.id(), key(KEY)).await.expect("set");
    assert_eq!(oauth::has_credentials(&desk.app, desk.id()).await.expect("read"), (false, true));
    let begun = desk.begin(&[desk.issuer.host()]).await.expect("it begins");
    assert_eq!(begun, Begun::Connected);
    let asked = desk.issuer.asked("client_credentials")[0].clone();
    let claims = asked["client_assertion"].split('.').nth(1).expect("three parts").to_owned();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!((&claims["iss"], &claims["sub"]), (&"robot".into(), &"robot".into()));
    assert_eq!(claims["aud"], desk.issuer.address);
    assert!(!desk.told().await.contains("PRIVATE KEY"));
}
