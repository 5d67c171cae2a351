//! Secrets.

use std::path::Path;

use secrecy::ExposeSecret as _;
use store::key::KeySource;
use store::keyring::Keyring;
use store::secrets::{self, Secret};
use store::{Page, Store, servers};
use uuid::Uuid;

use crate::{
    rows::{at, stored_server},
    with::{ALL, on_both},
};

/// The master key of a byte again and again.
pub(crate) fn key_of(byte: &str) -> KeySource {
    KeySource::new(Some(&byte.repeat(32)), Path::new("nowhere/key"))
}

/// A keyring with the master key of these tests.
pub(crate) async fn keyring(store: &Store) -> Keyring {
    Keyring::open(store, &key_of("01"), at(1)).await.expect("a keyring")
}

/// A secret without a value.
pub(crate) fn secret(server_id: Uuid, key: &str) -> Secret {
    Secret {
        id: Uuid::now_v7(),
        server_id,
        source_id: None,
        key: key.to_owned(),
        description: "for tests".to_owned(),
        sealed: None,
        generation: None,
        is_short: false,
        created_by: "claude".to_owned(),
        created_at: at(1),
        updated_by: "claude".to_owned(),
        updated_at: at(1),
    }
}

/// Sets a value as the verb does.
pub(crate) async fn set(store: &Store, keyring: &Keyring, row: &Secret, value: &str) {
    let transaction = store.begin().await.expect("begin");
    let key = keyring.newest(&transaction).await.expect("a data key");
    let sealed = row.seal(&key, value, value.len() < 6).expect("sealed");
    let by = ("grace", at(2));
    assert!(secrets::set(&transaction, row.id, Some(sealed), by).await.expect("set"));
    transaction.commit().await.expect("commit");
}

/// The value as a call reads it.
pub(crate) async fn value(store: &Store, keyring: &Keyring, row: &Secret) -> String {
    let row = secrets::find(store, row.server_id, &row.key).await.expect("find").expect("a row");
    let generation = row.generation.expect("a generation");
    let key = keyring.of(store, generation).await.expect("read").expect("a data key");
    row.unseal(&key).expect("it opens").expose_secret().to_owned()
}

#[test]
fn a_value_is_kept_sealed_changed_and_taken_away() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let keyring = keyring(&store).await;
        let row = secret(server.id, "API_KEY");
        secrets::insert(&store, &row).await.expect("insert");
        assert_eq!(
            secrets::find(&store, server.id, "API_KEY").await.expect("find"),
            Some(row.clone())
        );
        for long in ["hunter2", "dollar€", &"x".repeat(10_000)] {
            set(&store, &keyring, &row, long).await;
            assert_eq!(value(&store, &keyring, &row).await, long);
        }
        let found = secrets::find(&store, server.id, "API_KEY").await.expect("find").expect("one");
        assert_eq!((found.updated_by.as_str(), found.updated_at), ("grace", at(2)));
        assert_eq!((found.is_short, found.generation), (false, Some(1)));
        let sealed = found.sealed.expect("a value");
        assert!(!sealed.windows(16).any(|part| part == b"xxxxxxxxxxxxxxxx"));

        assert!(secrets::set(&store, row.id, None, ("grace", at(3))).await.expect("clear"));
        let found = secrets::find(&store, server.id, "API_KEY").await.expect("find").expect("one");
        assert_eq!((found.sealed, found.generation), (None, None));
        assert!(secrets::delete(&store, row.id).await.expect("delete"));
        assert!(!secrets::delete(&store, row.id).await.expect("delete again"));
        assert!(!secrets::set(&store, row.id, None, ("grace", at(4))).await.expect("gone"));
    });
}

#[test]
fn a_value_opens_for_its_own_server_and_key_alone() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let other = stored_server(&store, "home").await;
        let keyring = keyring(&store).await;
        let row = secret(server.id, "API_KEY");
        secrets::insert(&store, &row).await.expect("insert");
        set(&store, &keyring, &row, "hunter2").await;
        let found = secrets::find(&store, server.id, "API_KEY").await.expect("find").expect("one");
        let key = keyring.of(&store, 1).await.expect("read").expect("a data key");
        assert!(found.unseal(&key).is_ok());
        for moved in [
            Secret { server_id: other.id, ..found.clone() },
            Secret { key: "OTHER_KEY".to_owned(), ..found.clone() },
        ] {
            assert!(moved.unseal(&key).is_err(), "{moved:?}");
        }
        assert!(keyring.of(&store, 2).await.expect("read").is_none());
    });
}

#[test]
fn keys_are_unique_for_a_server_and_go_with_it() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let other = stored_server(&store, "home").await;
        for key in ["B", "C", "A"] {
            secrets::insert(&store, &secret(server.id, key)).await.expect("insert");
        }
        let again = secrets::insert(&store, &secret(server.id, "A")).await.expect_err("twice");
        assert!(again.is_duplicate(), "{again:?}");
        secrets::insert(&store, &secret(other.id, "A")).await.expect("another server's");
        assert_eq!(secrets::find(&store, server.id, "A\0").await.expect("find"), None);

        let mut keys = Vec::new();
        for number in 1..=2 {
            let page = Page { number, size: 2 };
            let listed = secrets::list(&store, server.id, page).await.expect("list");
            assert_eq!(listed.total, 3);
            keys.extend(listed.items.into_iter().map(|secret| secret.key));
        }
        assert_eq!(keys, ["A", "B", "C"]);

        let keyring = keyring(&store).await;
        let row = secrets::find(&store, server.id, "B").await.expect("find").expect("one");
        set(&store, &keyring, &row, "hunter2").await;
        let wanted = ["A", "B", "Z", "B\0"].map(str::to_owned);
        let found = secrets::with_values(&store, server.id, &wanted).await.expect("read");
        assert_eq!(found.into_iter().map(|secret| secret.key).collect::<Vec<_>>(), ["B"]);

        assert!(servers::delete(&store, server.id).await.expect("delete"));
        assert_eq!(secrets::list(&store, server.id, ALL).await.expect("list").total, 0);
        assert_eq!(secrets::list(&store, other.id, ALL).await.expect("list").total, 1);
    });
}
