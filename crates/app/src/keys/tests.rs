//! Rotations that end between any two steps, beside programs that go on.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::doctor::{Verdict, key_verdict};
use crate::secrets::tests::{admin, app_in, given, key_in, server};
use crate::{App, Page, secrets};

const VALUES: [(&str, &str); 3] = [("A", "one"), ("B", "two"), ("C", "three")];

fn location(folder: &Path) -> Location {
    Location::Sqlite(folder.join("mcpbox.db"))
}

async fn keys_in(folder: &Path) -> Keys {
    Keys::open_at(&location(folder), key_in(folder)).await.expect("the keys open")
}

async fn keys_of(folder: &Path, digits: &str) -> Result<Keys> {
    Keys::open_at(&location(folder), settings::key_source(folder, Some(digits))).await
}

async fn all(app: &App, id: Uuid) -> Value {
    given(app, id, &["A", "B", "C"]).await.expect("the values")
}

/// What was done to the keys, oldest first.
async fn audited(app: &App) -> Vec<String> {
    let page = Page { number: 1, size: 100 };
    let listed = audit::list(app, &audit::Filter::default(), page).await.expect("read");
    let rows = listed.items.into_iter().rev();
    rows.map(|row| row.action).filter(|action| action.starts_with("key.")).collect()
}

#[tokio::test]
async fn whatever_step_a_rotation_ends_at_everything_is_read_and_the_next_run_goes_on() {
    for stop in 0..=5 {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let running = app_in(folder).await;
        let id = server(&running, &VALUES).await;
        let expected = all(&running, id).await;
        assert_eq!(expected, json!({"A": "one", "B": "two", "C": "three"}));
        let old = fs::read_to_string(folder.join("key")).expect("the old key");

        let keys = keys_in(folder).await;
        let mut rotation = keys.rotation(None).expect("a rotation");
        for _ in 0..stop {
            rotation.step().await.expect("a step");
        }
        drop(rotation);
        assert_eq!(all(&running, id).await, expected, "step {stop}");
        secrets::set(&running, &admin(), id, "B", "new".into()).await.expect("set");
        let expected = json!({"A": "one", "B": "new", "C": "three"});
        assert_eq!(all(&running, id).await, expected, "step {stop}");
        if stop % 2 == 0 {
            // Where the last step was missing, this start takes it.
            assert_eq!(all(&app_in(folder).await, id).await, expected, "step {stop}");
        }

        let rotated = keys_in(folder).await.rotate(None).await.expect("rotated");
        assert!(rotated.is_finished && rotated.damaged.is_empty(), "step {stop}: {rotated:?}");
        assert!(!folder.join("key.next").exists(), "step {stop}");
        let new = fs::read_to_string(folder.join("key")).expect("the new key");
        assert_ne!(new, old, "step {stop}");
        assert_eq!(all(&running, id).await, expected, "step {stop}");
        assert_eq!(all(&app_in(folder).await, id).await, expected, "step {stop}");
        let refused = keys_of(folder, old.trim()).await;
        assert!(refused.is_err(), "step {stop}: the old key opens something");
        let status = keys_in(folder).await.status().await.expect("a status");
        assert_eq!((status.is_rotating, status.older, status.values), (false, 0, 3));
        let told = audited(&running).await;
        assert_eq!(told[..2], ["key.rotation_begun", "key.rotated"], "step {stop}");
    }
}

#[tokio::test]
async fn a_new_key_without_anything_sealed_with_it_is_gone_on_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let app = app_in(folder).await;
    let id = server(&app, &VALUES).await;
    let next = key_in(folder).make_next().expect("made");
    assert_eq!(all(&app_in(folder).await, id).await, all(&app, id).await, "it is not adopted");
    keys_in(folder).await.rotate(None).await.expect("rotated");
    assert_eq!(key_in(folder).read().expect("read").key, Some(next));
}

#[tokio::test]
async fn a_lost_old_key_is_made_up_for_by_the_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let id = server(&app_in(folder).await, &VALUES).await;
    let keys = keys_in(folder).await;
    let mut rotation = keys.rotation(None).expect("a rotation");
    rotation.step().await.expect("begun");
    fs::remove_file(folder.join("key")).expect("removed");
    assert_eq!(all(&app_in(folder).await, id).await["A"], "one");
    assert!(!folder.join("key").exists(), "no third key is made");
    keys_in(folder).await.rotate(None).await.expect("rotated");
    assert_eq!(all(&app_in(folder).await, id).await["A"], "one");
}

#[tokio::test]
async fn a_key_of_the_environment_is_good_beside_the_new_one_until_it_is_finished() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (old, new, third) = ("0a".repeat(32), "0b".repeat(32), "0c".repeat(32));
    let open = async |digits: &str| {
        App::open_with_key(&location(folder), &settings::key_source(folder, Some(digits))).await
    };
    let running = open(&old).await.expect("the app opens");
    let id = server(&running, &VALUES).await;
    let expected = all(&running, id).await;
    let keys = keys_of(folder, &old).await.expect("the keys open");
    for (given, part) in [
        (None, "MCPBOX_NEW_ENCRYPTION_KEY"),
        (Some("0b"), "64 hexadecimal digits"),
        (Some(&*"00".repeat(32)), "zeros"),
        (Some(&*old), "in use"),
    ] {
        let refused = keys.rotate(given).await.expect_err("refused").to_string();
        assert!(refused.contains(part), "{refused}");
    }
    assert!(keys.finish().await.expect_err("none").to_string().contains("no rotation"));

    for resealed in [3, 0] {
        let rotated = keys.rotate(Some(&new)).await.expect("rotated");
        assert_eq!((rotated.resealed, rotated.is_finished), (resealed, false));
        for digits in [&old, &new] {
            assert_eq!(all(&open(digits).await.expect("both fit"), id).await, expected);
        }
        assert_eq!(all(&running, id).await, expected, "it reads the new data key with the old one");
    }
    let other = keys.rotate(Some(&third)).await.expect_err("another").to_string();
    assert!(other.contains("keys cancel"), "{other}");
    let early = keys.finish().await.expect_err("it has the old key").to_string();
    assert!(early.contains("MCPBOX_ENCRYPTION_KEY is still the old key"), "{early}");

    let renewed = keys_of(folder, &new).await.expect("the keys open");
    assert_eq!(renewed.status().await.expect("a status").role, Some(Role::Next));
    let rotated = renewed.finish().await.expect("finished");
    assert!(rotated.is_finished);
    assert!(open(&old).await.is_err(), "the old key opens something");
    assert_eq!(all(&open(&new).await.expect("it fits"), id).await, expected);
    assert_eq!(all(&running, id).await, expected, "what has read the new data key goes on");
    assert!(!folder.join("key").exists() && !folder.join("key.next").exists());
}

#[tokio::test]
async fn a_rotation_that_is_given_up_leaves_the_key_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let app = app_in(folder).await;
    let id = server(&app, &VALUES).await;
    let key = key_in(folder).read().expect("read").key;
    let keys = keys_in(folder).await;
    assert!(keys.cancel().await.is_err(), "there is none");
    let mut rotation = keys.rotation(None).expect("a rotation");
    for _ in 0..2 {
        rotation.step().await.expect("a step");
    }
    keys.cancel().await.expect("given up");
    let found = key_in(folder).read().expect("read");
    assert_eq!((found.key, found.next), (key, None));
    assert_eq!(all(&app_in(folder).await, id).await, all(&app, id).await);
    assert_eq!(audited(&app).await, ["key.rotation_begun", "key.rotation_cancelled"]);
    assert!(keys_in(folder).await.rotate(None).await.expect("rotated").is_finished);
}

#[tokio::test]
async fn the_doctor_tells_how_the_key_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let source = key_in(folder);
    assert!(matches!(key_verdict(&source, None), Verdict::Weaker(_)));
    let keys = keys_in(folder).await;
    let verdict = async || {
        let binding = store::installation::binding(&keys.store).await.expect("read");
        key_verdict(&source, binding.as_ref())
    };
    assert!(matches!(verdict().await, Verdict::Well(text) if text.ends_with("/key")));
    let mut rotation = keys.rotation(None).expect("a rotation");
    rotation.step().await.expect("begun");
    assert!(matches!(verdict().await, Verdict::Weaker(text) if text.contains("keys status")));
    while rotation.state != State::Adopt {
        rotation.step().await.expect("a step");
    }
    assert!(matches!(verdict().await, Verdict::Weaker(text) if text.contains("next start")));
    rotation.step().await.expect("adopted");
    assert!(matches!(verdict().await, Verdict::Well(_)));
    fs::remove_file(folder.join("key")).expect("removed");
    assert!(matches!(verdict().await, Verdict::Broken(text) if text.contains("is missing")));
    fs::write(folder.join("key"), "0d".repeat(32)).expect("written");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(folder.join("key"), private).expect("private");
    assert!(matches!(verdict().await, Verdict::Broken(text) if text.contains("is not the one")));
}
