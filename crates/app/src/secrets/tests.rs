//! Which values a call is given.

use std::path::Path;

use serde_json::json;
use store::key::KeySource;

use super::*;
use crate::{Location, calls};

/// The master key in a file of this folder.
pub(crate) fn key_in(folder: &Path) -> KeySource {
    crate::settings::key_source(folder, None)
}

/// An app on this folder, without a sandbox.
pub(crate) async fn app_in(folder: &Path) -> App {
    let location = Location::Sqlite(folder.join("mcpbox.db"));
    App::open_with_key(&location, &key_in(folder)).await.expect("the app opens")
}

pub(crate) fn admin() -> Admin {
    Admin { user_id: Uuid::now_v7(), username: "grace".to_owned(), address: None }
}

/// A server with secrets that have these values.
pub(crate) async fn server(app: &App, values: &[(&str, &str)]) -> Uuid {
    let who = Who::from(admin());
    let server = servers::create(app, &who, "weather", "").await.expect("a server");
    for (key, value) in values {
        create(app, &who, server.id, key, "").await.expect("created");
        set(app, &admin(), server.id, key, (*value).into()).await.expect("set");
    }
    server.id
}

/// What a call that declares these keys is given.
pub(crate) async fn given(app: &App, server_id: Uuid, keys: &[&str]) -> Result<Value> {
    let declared = declared(&json!({ "secrets": keys }));
    let kept = sealed_of(app, server_id, &declared).await?;
    Ok(json!(of_call(app, server_id, &declared, Some(&kept)).await?.exposed()))
}

#[tokio::test]
async fn a_call_is_given_what_it_declares_and_what_is_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = app_in(folder.path()).await;
    let id = server(&app, &[("A", "one"), ("B", "two")]).await;
    let who = Who::from(admin());
    create(&app, &who, id, "UNSET", "").await.expect("created");
    let all = given(&app, id, &["A", "B", "UNSET", "NOBODY", "A"]).await.expect("given");
    assert_eq!(all, json!({"A": "one", "B": "two"}));
    assert_eq!(given(&app, id, &["B"]).await.expect("given"), json!({"B": "two"}));
    assert_eq!(given(&app, id, &[]).await.expect("given"), json!({}));
    assert_eq!(given(&app, Uuid::now_v7(), &["A"]).await.expect("given"), json!({}));
    for odd in [json!({}), json!({"secrets": "A"}), json!({"secrets": [1, null]}), json!(null)] {
        assert!(declared(&odd).is_empty(), "{odd}");
    }
}

#[tokio::test]
async fn a_new_value_counts_at_once_and_a_cleared_one_no_longer() {
    let folder = tempfile::tempdir().expect("a folder");
    let (app, other) = (app_in(folder.path()).await, app_in(folder.path()).await);
    let id = server(&app, &[("A", "one")]).await;
    let before = store::changes::counter(app.store()).await.expect("a counter");
    set(&other, &admin(), id, "A", "two".into()).await.expect("set");
    let after = store::changes::counter(app.store()).await.expect("a counter");
    assert!(after > before, "what calls keep is read anew");
    assert_eq!(given(&app, id, &["A"]).await.expect("given"), json!({"A": "two"}));
    clear(&other, &admin(), id, "A").await.expect("cleared");
    assert_eq!(given(&app, id, &["A"]).await.expect("given"), json!({}));
}

#[tokio::test]
async fn a_value_that_does_not_open_concerns_those_alone_that_declare_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = app_in(folder.path()).await;
    let id = server(&app, &[("A", "one"), ("B", "two")]).await;
    // A's sealed value in the place of B's.
    let (a, b) = (row(&app, id, "A").await, row(&app, id, "B").await);
    store::secrets::delete(app.store(), b.id).await.expect("deleted");
    let moved = Row { sealed: a.sealed, ..b };
    store::secrets::insert(app.store(), &moved).await.expect("inserted");
    let refused = given(&app, id, &["A", "B"]).await.expect_err("it opens");
    assert!(matches!(refused, Error::Conflict(_)), "{refused}");
    assert!(refused.to_string().contains("`B`") && refused.to_string().contains("set it again"));
    assert_eq!(given(&app, id, &["A"]).await.expect("given"), json!({"A": "one"}));
    set(&app, &admin(), id, "B", "three".into()).await.expect("set");
    assert_eq!(given(&app, id, &["B"]).await.expect("given"), json!({"B": "three"}));
}

async fn row(app: &App, id: Uuid, key: &str) -> Row {
    store::secrets::find(app.store(), id, key).await.expect("find").expect("a row")
}

#[tokio::test]
async fn rows_that_were_read_before_a_rotation_are_read_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = app_in(folder.path()).await;
    let id = server(&app, &[("A", "one")]).await;
    let kept = [row(&app, id, "A").await];
    let location = Location::Sqlite(folder.path().join("mcpbox.db"));
    let keys = crate::keys::Keys::open_at(&location, key_in(folder.path())).await.expect("keys");
    keys.rotate(None).await.expect("rotated");
    // This process has never opened the data key that is gone.
    let fresh = app_in(folder.path()).await;
    let secrets = of_call(&fresh, id, &["A".to_owned()], Some(&kept)).await.expect("given");
    assert_eq!(json!(secrets.exposed()), json!({"A": "one"}));
}

#[test]
fn keys_and_values_are_checked_and_values_never_repeated() {
    for key in ["A", "API_KEY", "A1_", &"A".repeat(255)] {
        assert!(check_key(key).is_ok(), "{key}");
    }
    for key in ["", "a", "_A", "1A", "A-B", "Ä", "A\0", "A B", &"A".repeat(256)] {
        assert!(check_key(key).is_err(), "{key}");
    }
    for value in ["x", "ä\n€", &"€".repeat(VALUE_MAX)] {
        assert!(check_value(value).is_ok(), "{}", value.len());
    }
    for value in ["", "hunter2\0", &"hunter2".repeat(2_000)] {
        let refused = check_value(value).expect_err("refused").to_string();
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}

#[tokio::test]
async fn a_test_is_given_no_secrets_unless_it_is_to_have_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = app_in(folder.path()).await;
    let id = server(&app, &[("A", "one")]).await;
    for (is_test, with_secrets, expected) in [
        (false, false, json!({"A": "one"})),
        (true, false, json!({})),
        (true, true, json!({"A": "one"})),
    ] {
        let subject =
            calls::tests::subject(id, &json!({"secrets": ["A"]}), (is_test, with_secrets));
        let secrets = calls::secrets_of(&app, &subject).await.expect("given");
        assert_eq!(json!(secrets.exposed()), expected, "{is_test} {with_secrets}");
    }
}
