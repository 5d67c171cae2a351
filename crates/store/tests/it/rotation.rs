//! Rotation of keys.

use store::installation::Role;
use store::key::{KeyError, MasterKey};
use store::keyring::Keyring;
use store::rotation::{self, Step};
use store::secrets::{self, Secret};
use store::{Store, Transaction};
use uuid::Uuid;

use crate::{
    rows::{at, stored_server},
    secrets::{key_of, keyring, secret, set, value},
    with::on_both,
};

/// The key that comes next.
fn next() -> MasterKey {
    MasterKey::from_hex(&"02".repeat(32)).expect("a key")
}

/// Secrets with values, which are their keys.
async fn stored(store: &Store, keyring: &Keyring, number: usize) -> Vec<Secret> {
    let server = stored_server(store, "weather").await;
    let mut rows = Vec::new();
    for number in 0..number {
        let row = secret(server.id, &format!("KEY_{number}"));
        secrets::insert(store, &row).await.expect("insert");
        set(store, keyring, &row, &row.key).await;
        rows.push(row);
    }
    rows
}

async fn taken(
    store: &Store,
    step: impl AsyncFnOnce(&Transaction) -> Result<Step, KeyError>,
) -> Result<Step, KeyError> {
    let transaction = store.begin().await.expect("begin");
    let taken = step(&transaction).await?;
    transaction.commit().await.expect("commit");
    Ok(taken)
}

async fn begin(store: &Store, keyring: &Keyring) -> Result<Step, KeyError> {
    keyring.add(next());
    taken(store, async |db| rotation::begin(db, keyring, &next(), at(3)).await).await
}

async fn finish(store: &Store, keyring: &Keyring) -> Result<Step, KeyError> {
    taken(store, async |db| rotation::finish(db, keyring).await).await
}

/// Seals everything anew, and tells how much that was.
async fn reseal(store: &Store, keyring: &Keyring) -> u64 {
    let (mut after, mut resealed) = (None, 0);
    loop {
        let batch = rotation::reseal(store, keyring, after).await.expect("sealed anew");
        assert_eq!(batch.damaged, []);
        resealed += batch.resealed;
        match batch.last {
            Some(last) => after = Some(last),
            None => return resealed,
        }
    }
}

/// Whether a program that is started with this key reads every value.
async fn opens(store: &Store, key: &str, rows: &[Secret]) -> bool {
    let Ok(keyring) = Keyring::open(store, &key_of(key), at(9)).await else { return false };
    for row in rows {
        assert_eq!(value(store, &keyring, row).await, row.key);
    }
    true
}

#[test]
fn before_and_after_each_step_everything_can_be_read() {
    on_both(async |store| {
        let running = keyring(&store).await;
        let rows = stored(&store, &running, 250).await;
        let operator = keyring(&store).await;
        assert!(opens(&store, "01", &rows).await && !opens(&store, "02", &rows).await);

        for expected in [Step::Taken, Step::TakenBefore] {
            assert_eq!(begin(&store, &operator).await.expect("begun"), expected);
            assert!(opens(&store, "01", &rows).await && opens(&store, "02", &rows).await);
        }
        let progress = rotation::progress(&store).await.expect("read").expect("bound");
        assert_eq!((progress.generation, progress.values, progress.older), (2, 250, 250));
        assert_eq!(progress.binding.role(&next()), Some(Role::Next));

        let first = rotation::reseal(&store, &operator, None).await.expect("sealed anew");
        assert_eq!(first.resealed, 100);
        assert!(opens(&store, "01", &rows).await && opens(&store, "02", &rows).await);
        assert_eq!(reseal(&store, &operator).await, 150);
        assert_eq!(reseal(&store, &operator).await, 0, "there is nothing left");
        // What began before reads what it never saw made.
        for row in &rows {
            assert_eq!(value(&store, &running, row).await, row.key);
        }
        assert!(opens(&store, "01", &rows).await && opens(&store, "02", &rows).await);

        for expected in [Step::Taken, Step::TakenBefore] {
            assert_eq!(finish(&store, &operator).await.expect("finished"), expected);
            assert!(!opens(&store, "01", &rows).await && opens(&store, "02", &rows).await);
        }
        for row in &rows {
            assert_eq!(value(&store, &running, row).await, row.key);
        }
        let gone = keyring_of_next(&store).await.of(&store, 1).await.expect("read");
        assert!(gone.is_none(), "nothing is sealed with the old data key");
        let again = begin(&store, &operator).await;
        assert!(matches!(again, Err(KeyError::Same)), "{again:?}");
    });
}

async fn keyring_of_next(store: &Store) -> Keyring {
    Keyring::open(store, &key_of("02"), at(9)).await.expect("the next key")
}

#[test]
fn what_is_changed_meanwhile_stays_changed() {
    on_both(async |store| {
        let running = keyring(&store).await;
        let rows = stored(&store, &running, 3).await;
        let operator = keyring(&store).await;
        begin(&store, &operator).await.expect("begun");
        set(&store, &running, &rows[0], "changed").await;
        secrets::set(&store, rows[1].id, None, ("grace", at(4))).await.expect("cleared");
        assert_eq!(reseal(&store, &operator).await, 1, "one is left to seal anew");
        set(&store, &running, &rows[2], "changed too").await;
        finish(&store, &operator).await.expect("finished");
        let keyring = keyring_of_next(&store).await;
        assert_eq!(value(&store, &keyring, &rows[0]).await, "changed");
        assert_eq!(value(&store, &keyring, &rows[2]).await, "changed too");
        let cleared = secrets::find(&store, rows[1].server_id, &rows[1].key).await.expect("find");
        assert_eq!(cleared.expect("a row").sealed, None);
    });
}

#[test]
fn writers_that_go_on_lose_nothing() {
    on_both(async |store| {
        let operator = keyring(&store).await;
        let rows = stored(&store, &operator, 8).await;
        let writers: Vec<_> = rows
            .iter()
            .map(|row| {
                let (store, row) = (store.clone(), row.clone());
                tokio::spawn(async move {
                    let keyring = keyring(&store).await;
                    for number in 0..20 {
                        set(&store, &keyring, &row, &format!("value {number}")).await;
                    }
                })
            })
            .collect();
        begin(&store, &operator).await.expect("begun");
        reseal(&store, &operator).await;
        for writer in writers {
            writer.await.expect("the writer ends well");
        }
        let progress = rotation::progress(&store).await.expect("read").expect("bound");
        assert_eq!(progress.older, 0, "nobody has taken the old data key since");
        finish(&store, &operator).await.expect("finished");
        let keyring = keyring_of_next(&store).await;
        for row in &rows {
            assert_eq!(value(&store, &keyring, row).await, "value 19");
        }
    });
}

#[test]
fn a_damaged_value_stays_and_holds_nobody_up() {
    on_both(async |store| {
        let operator = keyring(&store).await;
        let rows = stored(&store, &operator, 3).await;
        // Moved to another secret it opens no longer.
        let moved =
            Secret { id: Uuid::now_v7(), key: "MOVED".to_owned(), ..found(&store, &rows[0]).await };
        secrets::insert(&store, &moved).await.expect("insert");
        begin(&store, &operator).await.expect("begun");
        let batch = rotation::reseal(&store, &operator, None).await.expect("sealed anew");
        assert_eq!((batch.resealed, batch.damaged), (3, vec![moved.clone()]));
        finish(&store, &operator).await.expect("finished");
        assert!(opens(&store, "02", &rows).await);
        assert_eq!(found(&store, &moved).await, moved);
        let kept = keyring_of_next(&store).await.of(&store, 1).await.expect("read");
        assert!(kept.is_some(), "its data key stays");
    });
}

async fn found(store: &Store, row: &Secret) -> Secret {
    secrets::find(store, row.server_id, &row.key).await.expect("find").expect("a row")
}

#[test]
fn a_rotation_can_be_given_up_and_another_key_is_refused_until_then() {
    on_both(async |store| {
        let operator = keyring(&store).await;
        let rows = stored(&store, &operator, 3).await;
        begin(&store, &operator).await.expect("begun");
        assert_eq!(reseal(&store, &operator).await, 3);
        let third = MasterKey::from_hex(&"03".repeat(32)).expect("a key");
        let other =
            taken(&store, async |db| rotation::begin(db, &operator, &third, at(3)).await).await;
        assert!(matches!(other, Err(KeyError::OtherRotation)), "{other:?}");
        let without = keyring_of_next(&store).await;
        let refused = taken(&store, async |db| rotation::cancel(db, &without).await).await;
        assert!(matches!(refused, Err(KeyError::Mismatch)), "the old key is not here: {refused:?}");
        for expected in [Step::Taken, Step::TakenBefore] {
            let given_up = taken(&store, async |db| rotation::cancel(db, &operator).await).await;
            assert_eq!(given_up.expect("given up"), expected);
            assert!(opens(&store, "01", &rows).await && !opens(&store, "02", &rows).await);
        }
        let begun =
            taken(&store, async |db| rotation::begin(db, &operator, &third, at(3)).await).await;
        assert_eq!(begun.expect("begun"), Step::Taken);
        assert!(opens(&store, "03", &rows).await);
    });
}
