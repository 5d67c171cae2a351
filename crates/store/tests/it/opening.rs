//! Opening a store.

use std::{error::Error as _, os::unix::fs::PermissionsExt, path::Path};

use store::installation::{self, Role};
use store::key::{KeyError, KeySource};
use store::keyring::Keyring;
use store::{Error, Location, Store, servers};
use tokio::task::JoinSet;

use crate::{
    rows::{at, stored_server},
    with::{at_both, at_postgres, at_sqlite, on_both},
};

#[test]
fn several_processes_open_a_new_database_at_once() {
    at_both(async |location| {
        let mut opening = JoinSet::new();
        for _ in 0..6 {
            let location = location.clone();
            opening.spawn(async move { Store::open(&location).await });
        }
        for store in opening.join_all().await {
            let store = store.expect("open");
            store.check().await.expect("check");
            store.close().await;
        }
    });
}

#[test]
fn a_store_whose_caches_were_emptied_works_on() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        store.empty_caches().await;
        let found = servers::find(&store, server.id).await.expect("find");
        assert_eq!(found, Some(server));
        stored_server(&store, "clock").await;
    });
}

#[test]
fn what_was_stored_is_there_when_the_store_is_opened_again() {
    at_both(async |location| {
        let store = Store::open(&location).await.expect("open");
        let server = stored_server(&store, "weather").await;
        store.close().await;
        let store = Store::open(&location).await.expect("open again");
        let found = servers::find(&store, server.id).await.expect("find");
        assert_eq!(found, Some(server));
        store.clone().close().await;
        store.check().await.expect_err("it answers after it was closed");
    });
}

#[test]
fn only_the_owner_can_read_the_files() {
    at_sqlite(async |location| {
        let store = Store::open(&location).await.expect("open");
        stored_server(&store, "weather").await;
        let Location::Sqlite(path) = &location else { panic!("{location:?}") };
        let folder = path.parent().expect("a folder");
        let mut names = Vec::new();
        for file in std::fs::read_dir(folder).expect("read the folder") {
            let file = file.expect("a file");
            let mode = file.metadata().expect("metadata").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
            names.push(file.file_name().into_string().expect("a name"));
        }
        names.sort();
        assert_eq!(names, ["store.db", "store.db-shm", "store.db-wal"]);
        store.close().await;
    });
}

#[test]
fn an_error_says_which_database_but_no_password() {
    at_sqlite(async |location| {
        let Location::Sqlite(path) = location else { panic!("{location:?}") };
        let nowhere = path.with_file_name("missing").join("store.db");
        let error = Store::open(&Location::Sqlite(nowhere.clone())).await.expect_err("opened");
        assert!(matches!(error, Error::File { .. }), "{error:?}");
        assert!(error.to_string().contains(&nowhere.display().to_string()), "{error}");

        std::fs::write(&path, "this is no database, but a text of some length".repeat(40))
            .expect("write");
        let error = Store::open(&Location::Sqlite(path.clone())).await.expect_err("opened");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert!(error.source().is_some_and(|source| source.to_string().contains("database")));
    });
    at_postgres(async |_, database| {
        let url = database.url().replace("postgres@", "postgres:hunter2@") + "_missing";
        let location = Location::Postgres(url);
        let error = Store::open(&location).await.expect_err("opened");
        let said = format!("{location:?} {error} {error:?}");
        assert!(said.contains("PostgreSQL") && said.contains("does not exist"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    });
}

#[test]
fn a_database_takes_no_other_key_than_its_first() {
    on_both(async |store| {
        let (first, other) = (key_of("01"), key_of("02"));
        assert_eq!(installation::binding(&store).await.expect("read"), None);
        for _ in 0..2 {
            Keyring::open(&store, &first, at(1)).await.expect("the first key");
        }
        let refused = Keyring::open(&store, &other, at(1)).await;
        assert!(matches!(refused, Err(KeyError::Mismatch)), "{refused:?}");
        let binding = installation::binding(&store).await.expect("read").expect("it is bound");
        let role = |source: &KeySource| binding.role(&source.read().expect("a key").key?);
        assert_eq!((role(&first), role(&other)), (Some(Role::Current), None));
        assert!(!binding.is_rotating());
    });
}

#[test]
fn of_two_keys_that_come_first_at_once_one_is_taken() {
    on_both(async |store| {
        let mut opening = JoinSet::new();
        for number in 0..6 {
            let (store, source) = (store.clone(), key_of(&format!("0{}", number % 2 + 1)));
            opening.spawn(async move { Keyring::open(&store, &source, at(1)).await.is_ok() });
        }
        let opened = opening.join_all().await.into_iter().filter(|opened| *opened).count();
        assert_eq!(opened, 3, "those with the key that was first");
    });
}

/// A key of one byte again and again.
fn key_of(byte: &str) -> KeySource {
    KeySource::new(Some(&byte.repeat(32)), Path::new("nowhere/key"))
}
