//! OAuth for sources: logins, tokens that are renewed once, and what ends them.

mod alone;
mod desk;
mod issuer;
mod lan;
mod login;
mod moved;
mod real;
mod registered;

use std::time::Duration;

use app::external_sources::oauth::{self, NewTokens};
use app::external_sources::{self, Auth, OauthSettings, RefreshOwner, Status, TokenState, Wish};
use app::{Error, Location};
use desk::{Desk, by_login, call, wish};
use futures::future::join_all;
use serde_json::json;
use throwaway_postgres::Database;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_is_renewed_once_by_many_calls_at_once() {
    let desk = Desk::new().await;
    once(&desk).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_it_is_on_postgresql() {
    let database = tokio::task::spawn_blocking(|| Database::create().expect("a database"));
    let database = database.await.expect("a database");
    let folder = tempfile::tempdir().expect("a folder");
    let location = Location::Postgres(database.url().to_owned());
    once(&Box::pin(Desk::at(folder, location, by_login())).await).await;
}

/// Two processes make a hundred calls with a token that is over.
async fn once(desk: &Desk) {
    desk.log_in().await;
    let name = desk.tool().await;
    let other = desk.another().await;
    for round in 1..=2 {
        desk.issuer.state().delay = Duration::from_millis(300);
        desk.issuer.state().shown.clear();
        if round == 1 {
            // The source takes it no more.
            desk.issuer.forget_access();
        } else {
            // It says of itself that it is over.
            tokio::time::sleep(Duration::from_millis(8_100)).await;
        }
        desk.issuer.state().expires_in = Some(8);
        let calls =
            (0..100).map(|index| call(if index % 2 == 0 { &desk.app } else { &other }, &name));
        for report in join_all(calls).await {
            let report = report.expect("it is logged");
            report.outcome.expect("it ran");
        }
        assert_eq!(desk.issuer.asked("refresh_token").len(), round);
        assert_eq!(desk.issuer.state().shown.len(), 100, "each call ran once");
        desk.issuer.state().expires_in = None;
    }
    let used: Vec<_> = desk
        .issuer
        .asked("refresh_token")
        .into_iter()
        .map(|form| form["refresh_token"].clone())
        .collect();
    assert_ne!(used[0], used[1], "the second renewal has what the first one brought");
    assert_eq!(desk.detail().await.status(), Status::Active);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_the_issuer_has_ended_waits_for_a_person() {
    let desk = Desk::new().await;
    desk.log_in().await;
    let name = desk.tool().await;
    desk.issuer.forget_access();
    desk.issuer.state().refusal = Some((503, json!({"error": "temporarily_unavailable"})));
    desk.failure(&name).await;
    let tokens = desk.detail().await.tokens.expect("they are there");
    assert_eq!(tokens.state, TokenState::Connected, "what passes by ends no login");

    let refusal =
        json!({"error": "invalid_grant", "error_description": "REFRESH and ESCAPED have ended"});
    desk.issuer.state().refusal = Some((400, refusal));
    // What failed a moment ago is not asked for again.
    tokio::time::sleep(Duration::from_millis(5_100)).await;
    let told = desk.failure(&name).await;
    assert!(told.contains("connect it again on its admin page"), "{told}");
    let detail = desk.detail().await;
    assert_eq!(detail.status(), Status::NeedsLogin);
    let tokens = detail.tokens.expect("they are there");
    assert_eq!(tokens.state, TokenState::Reconnect);
    let failure = tokens.failure.expect("a reason");
    assert!(failure.starts_with("reconnect"), "{failure}");
    let told = "[secret refresh_token] and [secret refresh_token] have ended";
    assert!(failure.contains(told), "{failure}");
    let asked = desk.issuer.asked("refresh_token").len();
    desk.failure(&name).await;
    assert_eq!(desk.issuer.asked("refresh_token").len(), asked, "it is not asked again");
    let audited = desk.audited().await;
    assert_eq!(audited.iter().filter(|action| *action == "source.reconnect_needed").count(), 1);

    desk.issuer.state().refusal = None;
    desk.log_in().await;
    assert_eq!(desk.detail().await.status(), Status::Active);
    desk.call(&name).await.expect("logged").outcome.expect("it runs again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_holds_is_not_renewed_and_says_nothing_in_results() {
    let desk = Desk::new().await;
    desk.log_in().await;
    let name = desk.tool().await;
    let report = desk.call(&name).await.expect("logged");
    let text = report.passed.expect("as it came")["content"][0]["text"].to_string();
    assert!(text.contains("seen by") && !text.contains("access-0123"), "{text}");
    assert!(desk.issuer.asked("refresh_token").is_empty());

    // Nor does one that came while the call was under way.
    desk.issuer.forget_access();
    let report = desk.call(&name).await.expect("logged");
    assert_eq!(desk.issuer.asked("refresh_token").len(), 1);
    let text = report.passed.expect("as it came")["content"][0]["text"].to_string();
    assert!(text.contains("seen by [secret") && !text.contains("access-0123"), "{text}");
    let row = app::calls::find(&desk.app, report.call_id).await.expect("logged");
    assert!(!row.result.expect("kept").to_string().contains("access-0123"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_used_while_the_next_one_is_waited_for() {
    let desk = Desk::new().await;
    desk.issuer.state().expires_in = Some(30);
    desk.log_in().await;
    let name = desk.tool().await;
    desk.issuer.state().expires_in = None;
    desk.issuer.state().holds = true;
    // Half of its life is over: another one is due.
    tokio::time::sleep(Duration::from_millis(15_100)).await;
    for _ in 0..3 {
        desk.call(&name).await.expect("logged").outcome.expect("it runs with the one there is");
    }
    let tokens = desk.detail().await.tokens.expect("they are there");
    assert_eq!(tokens.failure, None, "the renewal goes on still");
    desk.issuer.state().holds = false;
    let old = desk.issuer.state().shown.last().cloned();
    while desk.detail().await.tokens.expect("they are there").version == tokens.version {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    desk.call(&name).await.expect("logged").outcome.expect("it runs with the next one");
    assert_ne!(desk.issuer.state().shown.last().cloned(), old);
    assert_eq!(desk.issuer.asked("refresh_token").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_brings_tokens_renews_them() {
    let desk = Desk::new().await;
    desk.log_in().await;
    let name = desk.tool().await;
    let bring = async |token: &str| {
        let new = NewTokens {
            access_token: token.into(),
            refresh_token: Some("refresh-of-the-client".into()),
            token_type: Some("bearer".to_owned()),
            expires_at: None,
            scope: None,
        };
        oauth::put_tokens(&desk.app, &desk.admin, desk.id(), new).await
    };
    let refused = bring("brought-0123456789").await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "they are renewed here: {refused:?}");
    oauth::disconnect(&desk.app, &desk.admin, desk.id()).await.expect("no more");
    for token in ["brought-0123456789", "brought-9876543210"] {
        bring(token).await.expect("they are taken");
        assert!(desk.call(&name).await.expect("logged").outcome.is_err(), "nobody knows it yet");
        desk.issuer.state().access.insert(token.to_owned(), String::new());
        desk.call(&name).await.expect("logged").outcome.expect("it runs");
        desk.issuer.forget_access();
    }
    assert!(desk.failure(&name).await.contains("credentials"));
    assert!(desk.issuer.asked("refresh_token").is_empty());
    assert_eq!(desk.detail().await.source.refresh_owner, RefreshOwner::Client);
    let source = desk.detail().await.source;
    let wish = Wish {
        name: source.name.clone(),
        description: "written anew".to_owned(),
        transport: source.transport,
        url: source.url.clone(),
        command: None,
        auth: Auth::Oauth(Box::new(external_sources::settings_of(&source))),
    };
    let changed = external_sources::update(&desk.app, &desk.admin, desk.id(), &wish).await;
    let changed = changed.expect("it is changed");
    assert_eq!(
        (&*changed.description, changed.refresh_owner),
        ("written anew", RefreshOwner::Client)
    );
    for (token, kind) in [("", "bearer"), ("a b", "bearer"), ("good", "mac")] {
        let new = NewTokens {
            access_token: token.into(),
            refresh_token: None,
            token_type: Some(kind.to_owned()),
            expires_at: None,
            scope: None,
        };
        let refused = oauth::put_tokens(&desk.app, &desk.admin, desk.id(), new).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{token:?} {kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_were_brought_are_renewed_here_where_the_client_is_known() {
    let settings = OauthSettings { client_id: Some("given".to_owned()), ..by_login() };
    let desk = Desk::with(settings).await;
    let secret = Some("a-secret-of-the-client".into());
    oauth::set_client_secret(&desk.app, &desk.admin, desk.id(), secret).await.expect("set");
    let hosts = [desk.issuer.host()];
    let granted = external_sources::grant_hosts(&desk.app, &desk.admin, desk.id(), &hosts).await;
    granted.expect("a person allowed it");
    let (access, refresh) = ("brought-0123456789", "refresh-of-the-client");
    desk.issuer.state().access.insert(access.to_owned(), String::new());
    desk.issuer.state().refresh.insert(refresh.to_owned());
    let bring = async || {
        let new = NewTokens {
            access_token: access.into(),
            refresh_token: Some(refresh.into()),
            token_type: None,
            expires_at: None,
            scope: None,
        };
        oauth::put_tokens(&desk.app, &desk.admin, desk.id(), new).await
    };
    bring().await.expect("they are taken");
    assert_eq!(desk.detail().await.source.refresh_owner, RefreshOwner::Gateway);
    let name = desk.tool().await;
    desk.issuer.forget_access();
    desk.call(&name).await.expect("logged").outcome.expect("it ran with another token");
    let asked = desk.issuer.asked("refresh_token");
    assert_eq!((asked.len(), &*asked[0]["refresh_token"]), (1, refresh));
    assert_eq!(asked[0]["basic"], "given:a-secret-of-the-client");
    let refused = bring().await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_given_back_and_gone() {
    let desk = Desk::new().await;
    desk.log_in().await;
    let name = desk.tool().await;
    oauth::disconnect(&desk.app, &desk.admin, desk.id()).await.expect("no more");
    assert!(desk.issuer.state().revoked[0].starts_with("refresh"));
    assert_eq!(desk.detail().await.tokens, None);
    let told = desk.failure(&name).await;
    assert!(told.contains("nobody has connected"), "{told}");
    assert!(desk.audited().await.contains(&"source.disconnected".to_owned()));
    // A login afterwards is one of its own, for the client that is known already.
    desk.log_in().await;
    assert_eq!(desk.issuer.state().registered.len(), 1);
    desk.call(&name).await.expect("logged").outcome.expect("it runs again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_given_back_where_the_source_goes_elsewhere_and_kept_where_it_does_not() {
    let desk = Desk::new().await;
    desk.log_in().await;
    let who = desk.admin.clone().into();
    let elsewhere = desk.issuer.url.replace("/mcp", "/other");
    let other = wish("other", &elsewhere, by_login());
    external_sources::add(&desk.app, &who, desk.source.server_id, &other).await.expect("added");
    let change = async |name: &str, url: &str| {
        let wish = wish(name, url, by_login());
        external_sources::update(&desk.app, &desk.admin, desk.id(), &wish).await
    };
    change("other", &elsewhere).await.expect_err("the name is taken");
    change("renamed", &desk.issuer.url).await.expect("it is changed");
    assert!(desk.issuer.state().revoked.is_empty());
    assert!(desk.detail().await.tokens.is_some());
    change("renamed", &elsewhere).await.expect("it is changed");
    assert!(desk.issuer.state().revoked[0].starts_with("refresh"));
    assert_eq!(desk.detail().await.tokens, None);

    // They are for one resource, and of one issuer.
    change("renamed", &desk.issuer.url).await.expect("it is changed");
    for (round, issuer) in
        [None, Some("https://auth.example.com".to_owned())].into_iter().enumerate()
    {
        desk.set(by_login()).await;
        desk.log_in().await;
        let resource = issuer.is_none().then(|| desk.issuer.address.clone());
        assert_eq!(external_sources::grants_of(&desk.detail().await.source).len(), 2);
        desk.set(OauthSettings { issuer, resource, ..by_login() }).await;
        let own = external_sources::grants_of(&desk.detail().await.source);
        assert!(matches!(&own[..], [host] if desk.issuer.url.contains(host)), "{own:?}");
        assert_eq!(desk.issuer.state().revoked.len(), round + 2);
        assert_eq!(desk.detail().await.tokens, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_wants_more_scopes_is_connected_again_with_all_of_them() {
    let desk = Desk::new().await;
    desk.log_in().await;
    let name = desk.tool().await;
    desk.issuer.state().needs = Some("write");
    let told = desk.failure(&name).await;
    assert!(told.contains("connect it again") && told.contains("write"), "{told}");
    desk.failure(&name).await;
    assert!(desk.issuer.asked("refresh_token").is_empty());
    let finished = desk.log_in().await;
    assert_eq!(finished.scope.as_deref(), Some("read write"));
    desk.call(&name).await.expect("logged").outcome.expect("it runs");
}
