//! A person connects a source, and nobody else does.

use app::Error;
use app::external_sources::oauth::{self, Begin, Begun};
use app::external_sources::{OauthSettings, Status};
use serde_json::json;

use super::desk::{CALLBACK, Desk};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_allows_the_authorization_server_and_logs_in_there() {
    let desk = Desk::new().await;
    assert_eq!(desk.detail().await.status(), Status::NeedsLogin);
    let begun = desk.begin(&[]).await.expect("it begins");
    assert_eq!(begun, Begun::Grant { hosts: vec![desk.issuer.host()] });
    assert!(desk.issuer.state().registered.is_empty(), "nothing was sent there");
    let finished = desk.log_in().await;
    assert_eq!(finished.scope.as_deref(), Some("read"));
    let detail = desk.detail().await;
    assert_eq!(detail.status(), Status::Active);
    let tokens = detail.tokens.expect("there are tokens");
    assert_eq!((tokens.issuer.as_str(), tokens.owner.as_str()), (&*desk.issuer.address, "server"));
    assert!(tokens.has_refresh_token);
    let registered = desk.issuer.state().registered[0].clone();
    assert_eq!(registered["redirect_uris"], json!([CALLBACK]));
    let exchanged = desk.issuer.asked("authorization_code")[0].clone();
    assert_eq!(exchanged["resource"], desk.issuer.url);
    assert!(exchanged["basic"].starts_with("client-1:client-secret"), "it shows who it is");
    let name = desk.tool().await;
    desk.call(&name).await.expect("logged").outcome.expect("it ran");
    assert!(desk.audited().await.contains(&"source.connected".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_secret_stands_nowhere_in_clear() {
    let desk = Desk::new().await;
    desk.log_in().await;
    let waits = desk.visit().await;
    let state = url::Url::parse(&waits).expect("a URL");
    let state = state.query_pairs().find(|(name, _)| name == "state").expect("one").1.into_owned();
    desk.issuer.state().secrets.push(state);
    let secret = "a-secret-of-the-client";
    let set = oauth::set_client_secret(&desk.app, &desk.admin, desk.id(), Some(secret.into()));
    set.await.expect("it is set");
    desk.issuer.state().secrets.push(secret.to_owned());
    assert_eq!(oauth::has_credentials(&desk.app, desk.id()).await.expect("read"), (true, false));

    let told = desk.told().await;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(desk.folder.path()).expect("a folder") {
        files.push(std::fs::read(entry.expect("a file").path()).expect("read"));
    }
    let is_in = |secret: &str| {
        files.iter().any(|file| file.windows(secret.len()).any(|part| part == secret.as_bytes()))
    };
    assert!(is_in(&desk.issuer.url), "the database was searched");
    let secrets = desk.issuer.state().secrets.clone();
    assert!(secrets.len() >= 6, "{secrets:?}");
    for secret in secrets {
        assert!(!told.contains(&secret) && !is_in(&secret), "{secret} stands in clear");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_is_good_once_and_only_as_it_was_given() {
    let desk = Desk::new().await;
    let back = desk.issuer.agree(&desk.visit().await);
    for wrong in ["", "code=a", "code=a&state=unknown", &format!("{back}&state=twice")] {
        let refused = desk.finish(wrong).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{wrong}: {refused:?}");
    }
    assert!(desk.issuer.asked("authorization_code").is_empty());
    desk.finish(&back).await.expect("it is connected");
    let again = desk.finish(&back).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    assert_eq!(desk.issuer.asked("authorization_code").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_another_issuer_is_not_believed() {
    let desk = Desk::new().await;
    for change in [
        |_: &str| "iss=http%3A%2F%2Fother.example".to_owned(),
        |_: &str| String::new(),
        |iss: &str| format!("{iss}%2F"),
    ] {
        let back = desk.issuer.agree(&desk.visit().await);
        let (before, iss) = back.rsplit_once('&').expect("it ends with the issuer");
        let refused = desk.finish(&format!("{before}&{}", change(iss))).await;
        assert!(matches!(refused, Err(Error::Upstream { .. })), "{refused:?}");
        assert!(desk.finish(&back).await.is_err(), "and the state is gone");
    }
    let denied = desk.visit().await;
    let back = desk.issuer.agree(&denied).replace("code=", "error=access_denied&x=");
    let denied = desk.finish(&back).await.expect_err("the person said no").to_string();
    assert!(denied.contains("denied"), "{denied}");
    assert!(desk.issuer.asked("authorization_code").is_empty(), "no code was shown to anybody");
    assert_eq!(desk.detail().await.status(), Status::NeedsLogin);
    desk.log_in().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_registers_itself_an_administrator_is_asked() {
    let desk = Desk::new().await;
    desk.issuer.state().metadata.insert("registration_endpoint", json!(null));
    let asked = desk.begin(&[desk.issuer.host()]).await.expect_err("no client").to_string();
    assert!(asked.contains(CALLBACK) && asked.contains("client id"), "{asked}");
    desk.issuer.state().metadata.insert("code_challenge_methods_supported", json!(null));
    let refused = desk.begin(&[]).await.expect_err("no PKCE").to_string();
    assert!(refused.contains("PKCE"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_was_given_is_shown_to_its_own_server_alone() {
    let settings = OauthSettings {
        client_id: Some("given".to_owned()),
        redirect_uri: Some("http://localhost:4444/callback".to_owned()),
        scopes: vec!["files".to_owned()],
        ..OauthSettings::default()
    };
    let desk = Desk::with(settings).await;
    let secret = async || {
        let secret = Some("a-secret-of-the-client".into());
        oauth::set_client_secret(&desk.app, &desk.admin, desk.id(), secret).await.expect("set");
    };
    secret().await;
    let finished = desk.log_in().await;
    assert_eq!(finished.scope.as_deref(), Some("files"));
    let exchanged = desk.issuer.asked("authorization_code")[0].clone();
    assert_eq!(exchanged["redirect_uri"], "http://localhost:4444/callback");
    assert_eq!(exchanged["basic"], "given:a-secret-of-the-client");
    assert!(desk.issuer.state().registered.is_empty());

    // The source names another server, which a person even allows.
    let other = super::issuer::Issuer::start().await;
    desk.issuer.state().moved = Some(other.address.clone());
    let refused = desk.begin(&[other.host()]).await.expect_err("another server").to_string();
    assert!(refused.contains(&other.address) && refused.contains("secret"), "{refused}");
    secret().await;
    let begun = desk.begin(&[]).await.expect("it was given anew");
    assert!(matches!(begun, Begun::Visit { .. }), "{begun:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_that_people_wrote_down_are_used_as_written() {
    let issuer = super::issuer::Issuer::start().await;
    let settings = OauthSettings {
        client_id: Some("given".to_owned()),
        authorization_url: Some(format!("{}/authorize", issuer.address)),
        token_url: Some(format!("{}/token", issuer.address)),
        ..OauthSettings::default()
    };
    let desk = Desk::with(settings).await;
    let begun = desk.begin(&[]).await.expect("it begins");
    assert_eq!(begun, Begun::Grant { hosts: vec![issuer.host()] });
    let begun = desk.begin(&[issuer.host()]).await.expect("it begins");
    let Begun::Visit { url, .. } = begun else { panic!("no login: {begun:?}") };
    assert!(url.starts_with(&format!("{}/authorize?", issuer.address)), "{url}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authorization_server_that_people_wrote_down_is_asked_in_the_place_of_the_sources() {
    let desk = Desk::new().await;
    desk.issuer.state().moved = Some("https://auth.example.com".to_owned());
    let begun = desk.begin(&[]).await.expect("it begins");
    assert_eq!(begun, Begun::Grant { hosts: vec!["auth.example.com:443".to_owned()] });
    let issuer = Some(desk.issuer.address.clone());
    desk.set(OauthSettings { issuer, ..OauthSettings::default() }).await;
    let begun = desk.begin(&[]).await.expect("it begins");
    assert_eq!(begun, Begun::Grant { hosts: vec![desk.issuer.host()] });
    desk.log_in().await;
    let name = desk.tool().await;
    desk.issuer.forget_access();
    desk.call(&name).await.expect("it is logged").outcome.expect("it ran");
    assert_eq!(desk.issuer.asked("refresh_token").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_of_itself_that_it_lacks_s256_is_refused_whatever_is_written() {
    let desk = Desk::new().await;
    let settings = OauthSettings {
        client_id: Some("given".to_owned()),
        authorization_url: Some(format!("{}/authorize", desk.issuer.address)),
        token_url: Some(format!("{}/token", desk.issuer.address)),
        ..OauthSettings::default()
    };
    desk.set(settings).await;
    desk.issuer.state().metadata.insert("code_challenge_methods_supported", json!(["plain"]));
    let refused = desk.begin(&[desk.issuer.host()]).await.expect_err("no S256").to_string();
    assert!(refused.contains("PKCE"), "{refused}");
    desk.issuer.state().metadata.remove("code_challenge_methods_supported");
    let begun = desk.begin(&[]).await.expect("it does S256");
    assert!(matches!(begun, Begun::Visit { .. }), "{begun:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authorization_server_of_the_internet_is_reached_by_https_alone() {
    let desk = Desk::new().await;
    desk.issuer.state().moved = Some("http://auth.example.com".to_owned());
    let refused = desk.begin(&[]).await.expect_err("in the open").to_string();
    assert!(refused.contains("https"), "{refused}");
    desk.issuer.state().moved = Some("https://auth.example.com".to_owned());
    let begun = desk.begin(&[]).await.expect("a person is asked");
    assert_eq!(begun, Begun::Grant { hosts: vec!["auth.example.com:443".to_owned()] });
    desk.issuer.state().moved = None;
    let open = json!("http://auth.example.com/token");
    desk.issuer.state().metadata.insert("token_endpoint", open);
    let refused = desk.begin(&[desk.issuer.host()]).await.expect_err("in the open").to_string();
    assert!(refused.contains("https"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_its_document_can_be_read_it_is_the_client() {
    let document = "https://mcp.example.com/oauth/client-metadata.json";
    let desk = Desk::known(document).await;
    assert_eq!(oauth::callback(&desk.app), Some(CALLBACK));
    let served = oauth::client_document(&desk.app).expect("there is one");
    assert_eq!(
        (&served["client_id"], &served["redirect_uris"]),
        (&json!(document), &json!([CALLBACK]))
    );
    let takes = ("client_id_metadata_document_supported", json!(true));
    desk.issuer.state().metadata.insert(takes.0, takes.1);
    desk.log_in().await;
    assert!(desk.issuer.state().registered.is_empty(), "nothing had to be registered");
    let exchanged = desk.issuer.asked("authorization_code")[0].clone();
    assert_eq!(exchanged["client_id"], document);

    // The document does not name where this login comes back to.
    let hosts = vec![desk.issuer.host()];
    let elsewhere = Begin { callback: "http://127.0.0.1:4000/callback".to_owned(), hosts };
    let begun = oauth::begin(&desk.app, Some(&desk.admin), desk.id(), elsewhere).await;
    let Ok(Begun::Visit { url, .. }) = begun else { panic!("no login: {begun:?}") };
    assert!(url.contains("client_id=client-1") && !url.contains("mcp.example.com"), "{url}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_begins_a_login_finishes_it() {
    let desk = Desk::new().await;
    let back = desk.issuer.agree(&desk.visit().await);
    let other = desk.colleague().await;
    let refused = oauth::finish(&desk.app, Some(&other), &back).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    assert!(desk.issuer.asked("authorization_code").is_empty(), "the code was not shown");
    let hosts = vec![desk.issuer.host()];
    let begin = Begin { callback: CALLBACK.to_owned(), hosts };
    let begun = oauth::begin(&desk.app, Some(&other), desk.id(), begin).await;
    let Ok(Begun::Visit { url, .. }) = begun else { panic!("no login: {begun:?}") };
    let back = desk.issuer.agree(&url);
    oauth::finish(&desk.app, Some(&other), &back).await.expect("it is theirs");
}
