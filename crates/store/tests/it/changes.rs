//! Changes that one process makes and another sees.

use std::time::Duration;

use store::{Store, changes};
use tokio::{sync::watch::Receiver, time::timeout};

use crate::with::{at_both, at_postgres};

const SOON: Duration = Duration::from_secs(1);

async fn seen(changes: &mut Receiver<i64>) -> bool {
    timeout(SOON, changes.changed()).await.is_ok()
}

#[test]
fn a_change_is_seen_by_every_process_within_a_second() {
    at_both(async |location| {
        let one = Store::open(&location).await.expect("open");
        let other = Store::open(&location).await.expect("open again");
        let (mut at_one, mut at_other) = (one.changes(), other.changes());
        let before = *at_other.borrow();
        for round in 1..=3 {
            let tx = one.begin().await.expect("begin");
            changes::publish(&tx).await.expect("publish");
            tx.commit().await.expect("commit");
            assert!(seen(&mut at_one).await, "unseen where it was made");
            assert!(seen(&mut at_other).await, "unseen elsewhere");
            assert_eq!(*at_other.borrow_and_update(), before + round);
        }
        changes::publish(&other).await.expect("publish outside a transaction");
        assert!(seen(&mut at_one).await);
        one.close().await;
        other.close().await;
    });
}

#[test]
fn what_is_rolled_back_is_no_change() {
    at_both(async |location| {
        let store = Store::open(&location).await.expect("open");
        let mut changes = store.changes();
        let tx = store.begin().await.expect("begin");
        changes::publish(&tx).await.expect("publish");
        drop(tx);
        assert!(!seen(&mut changes).await);
        changes::publish(&store).await.expect("publish");
        assert!(seen(&mut changes).await);
        store.close().await;
    });
}

#[test]
fn changes_are_seen_again_after_every_connection_was_lost() {
    at_postgres(async |location, database| {
        let store = Store::open(&location).await.expect("open");
        let mut changes = store.changes();
        database
            .execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .expect("end the connections");
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        store.check().await.expect("the database answers");
        changes::publish(&store).await.expect("publish");
        assert!(timeout(8 * SOON, changes.changed()).await.is_ok(), "the watcher gave up");
        changes::publish(&store).await.expect("publish");
        assert!(seen(&mut changes).await, "it is slow now");
        store.close().await;
    });
}
