//! Transactions.

use store::{Store, servers, users};

use crate::{
    rows::{server, user},
    with::{at_both, on_both},
};

#[test]
fn only_what_is_committed_is_kept() {
    on_both(async |store| {
        let (kept, lost) = (server("kept"), server("lost"));
        let tx = store.begin().await.expect("begin");
        servers::insert(&tx, &lost).await.expect("insert");
        assert!(servers::find(&tx, lost.id).await.expect("find").is_some(), "seen inside");
        assert_eq!(servers::find(&store, lost.id).await.expect("find"), None, "seen outside");
        drop(tx);
        let tx = store.begin().await.expect("begin");
        servers::insert(&tx, &kept).await.expect("insert");
        tx.commit().await.expect("commit");
        assert_eq!(servers::find(&store, lost.id).await.expect("find"), None);
        assert_eq!(servers::find(&store, kept.id).await.expect("find"), Some(kept));
    });
}

#[test]
fn writers_of_several_processes_wait_for_each_other() {
    at_both(async |location| {
        let one = Store::open(&location).await.expect("open");
        let other = Store::open(&location).await.expect("open again");
        let mut writing = tokio::task::JoinSet::new();
        for number in 0..20 {
            let store = if number % 2 == 0 { one.clone() } else { other.clone() };
            writing.spawn(async move {
                let tx = store.begin().await?;
                // Read first, then write: what SQLite refuses where it does not wait.
                servers::find_by_name(&tx, "none").await?;
                servers::insert(&tx, &server(&format!("server-{number}"))).await?;
                tx.commit().await
            });
        }
        for outcome in writing.join_all().await {
            outcome.expect("write");
        }
        let listed = servers::list(&one, crate::with::ALL).await.expect("list");
        assert_eq!(listed.total, 20);
        one.close().await;
        other.close().await;
    });
}

#[test]
fn of_all_who_want_to_be_the_first_user_one_is() {
    at_both(async |location| {
        let one = Store::open(&location).await.expect("open");
        let other = Store::open(&location).await.expect("open again");
        let mut trying = tokio::task::JoinSet::new();
        for number in 0..8 {
            let store = if number % 2 == 0 { one.clone() } else { other.clone() };
            trying.spawn(async move {
                let user = user(&format!("user-{number}"));
                if number % 3 != 0 {
                    return users::insert_first(&store, &user).await;
                }
                let tx = store.begin().await?;
                let first = users::insert_first(&tx, &user).await?;
                tx.commit().await?;
                Ok(first)
            });
        }
        let outcomes = trying.join_all().await;
        let firsts = outcomes.into_iter().filter(|outcome| *outcome.as_ref().expect("try"));
        assert_eq!(firsts.count(), 1);
        assert_eq!(users::count(&one).await.expect("count"), 1);
        users::insert(&other, &user("second")).await.expect("a second is added otherwise");
        assert_eq!(users::count(&one).await.expect("count"), 2);
        one.close().await;
        other.close().await;
    });
}
