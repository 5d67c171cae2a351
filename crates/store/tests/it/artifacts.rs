//! Artifacts: reading by range, expiry, and the bound on all together.

use store::{
    Store,
    artifacts::{self, Artifact},
};
use uuid::Uuid;

use crate::{rows::at, with::on_both};

fn artifact(owner: &str, bytes: usize, seconds: i64) -> Artifact {
    Artifact {
        id: Uuid::now_v7(),
        call_id: Uuid::now_v7(),
        owner: owner.to_owned(),
        mime_type: "application/json".to_owned(),
        name: Some("data.json".to_owned()),
        is_text: true,
        bytes: i64::try_from(bytes).expect("a small number"),
        created_at: at(seconds),
        expires_at: at(seconds + 100),
    }
}

async fn kept(store: &Store, owner: &str, bytes: usize, seconds: i64) -> Artifact {
    let artifact = artifact(owner, bytes, seconds);
    artifacts::insert(store, &artifact, &vec![7; bytes]).await.expect("insert");
    artifact
}

#[test]
fn data_is_read_back_by_any_range() {
    on_both(async |store| {
        let data: Vec<u8> = (0..3_000_001_u32).map(|number| number.to_le_bytes()[1]).collect();
        let whole = artifact("ada", data.len(), 0);
        artifacts::insert(&store, &whole, &data).await.expect("insert");
        let found = artifacts::find(&store, whole.id, at(1)).await.expect("find");
        assert_eq!(found.as_ref(), Some(&whole));
        let piece = 256 << 10;
        for (offset, length) in [
            (0, data.len()),
            (0, 1),
            (piece - 1, 2),
            (piece, piece),
            (5, 2 * piece),
            (data.len() - 1, 10),
            (data.len(), 10),
            (data.len() + piece, 10),
            (9, 0),
        ] {
            let (from, count) = (offset as u64, length as u64);
            let read = artifacts::read(&store, whole.id, from, count).await.expect("read");
            let end = (offset + length).min(data.len());
            let expected = data.get(offset.min(end)..end).unwrap_or_default();
            assert!(read == expected, "{offset} {length}: {} bytes", read.len());
        }
        let none = artifacts::read(&store, Uuid::now_v7(), 0, 10).await.expect("read");
        assert!(none.is_empty());
    });
}

#[test]
fn an_artifact_without_data_is_kept_as_well() {
    on_both(async |store| {
        let empty = kept(&store, "ada", 0, 0).await;
        assert_eq!(artifacts::find(&store, empty.id, at(1)).await.expect("find"), Some(empty));
    });
}

#[test]
fn what_has_expired_is_not_found_and_is_removed() {
    on_both(async |store| {
        let old = kept(&store, "ada", 10, 0).await;
        let young = kept(&store, "ada", 10, 50).await;
        let now = at(100);
        assert_eq!(artifacts::find(&store, old.id, now).await.expect("find"), None);
        assert!(artifacts::of_call(&store, old.call_id, now).await.expect("list").is_empty());
        let listed = artifacts::of_owner(&store, "ada", now, None, 9).await.expect("list");
        assert_eq!(listed, std::slice::from_ref(&young));
        assert_eq!(artifacts::delete_expired(&store, now).await.expect("delete"), 1);
        assert_eq!(artifacts::find(&store, old.id, at(0)).await.expect("find"), None);
        let gone = artifacts::read(&store, old.id, 0, 10).await.expect("read");
        assert!(gone.is_empty(), "its data goes with it");
        assert_eq!(artifacts::read(&store, young.id, 0, 10).await.expect("read").len(), 10);
    });
}

#[test]
fn the_oldest_make_room_for_the_newest() {
    on_both(async |store| {
        let mut all = Vec::new();
        for second in 0..5 {
            all.push(kept(&store, "ada", 10, second).await);
        }
        assert_eq!(artifacts::delete_oldest(&store, 50).await.expect("delete"), 0);
        assert_eq!(artifacts::delete_oldest(&store, 29).await.expect("delete"), 3);
        let left = artifacts::of_owner(&store, "ada", at(6), None, 9).await.expect("list");
        all.reverse();
        assert_eq!(left, all.get(..2).expect("two"));
        assert_eq!(artifacts::delete_oldest(&store, 0).await.expect("delete"), 2);
    });
}

#[test]
fn an_owner_sees_its_own_alone_and_a_call_what_it_left() {
    on_both(async |store| {
        let mine = kept(&store, "ada", 1, 0).await;
        let other = kept(&store, "grace", 1, 0).await;
        let listed = artifacts::of_owner(&store, "ada", at(1), None, 9).await.expect("list");
        assert_eq!(listed, [mine]);
        let left = artifacts::of_call(&store, other.call_id, at(1)).await.expect("list");
        assert_eq!(left, [other]);
    });
}

#[test]
fn going_on_after_each_page_reaches_everything_once() {
    on_both(async |store| {
        let mut all = Vec::new();
        for second in [0, 0, 0, 1, 2, 2, 3] {
            all.push(kept(&store, "ada", 1, second).await);
        }
        all.sort_by_key(|one| std::cmp::Reverse((one.created_at, one.id)));
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = artifacts::of_owner(&store, "ada", at(4), after, 2).await.expect("list");
            let Some(last) = page.last() else { break };
            after = Some((last.created_at, last.id));
            seen.extend(page);
        }
        assert_eq!(seen, all);
    });
}
