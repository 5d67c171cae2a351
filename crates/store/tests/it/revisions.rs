//! Revisions.

use serde_json::Value;
use store::revisions::{
    self, Revision,
    State::{self, Approved, Draft, PendingReview, Rejected, Superseded},
};

use crate::{
    rows::{at, revision, stored_server, stored_tool},
    with::{ALL, on_both},
};

#[test]
fn a_revision_is_found_as_it_was_added() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let (tool, _) = stored_tool(&store, &server, "forecast").await;
        let schema = r#"{"z":1,"a":{"y":[0.1,null,"é\u0000"],"b":-7},"m":true}"#;
        let mut full = revision(&tool, 2);
        full.input_schema = serde_json::from_str(schema).expect("a schema");
        full.output_schema = Some(Value::Null);
        full.requested_at = Some(at(1));
        full.requested_by = Some("claude".to_owned());
        full.notes = Some("please".to_owned());
        full.decided_at = Some(at(2));
        full.decided_by = Some("ada".to_owned());
        full.rejection_reason = Some("no".to_owned());
        full.timeout_ms = None;
        revisions::insert(&store, &full).await.expect("insert");
        let found = revisions::find(&store, full.id).await.expect("find").expect("a revision");
        assert_eq!(found, full);
        let kept = found.input_schema.to_string();
        assert_eq!(kept, schema, "the keys keep their order");
    });
}

#[test]
fn numbers_count_within_a_tool() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let (tool, first) = stored_tool(&store, &server, "forecast").await;
        let (other, _) = stored_tool(&store, &server, "history").await;
        let error = revisions::insert(&store, &revision(&tool, 1)).await.expect_err("inserted");
        assert!(error.is_duplicate(), "{error:?}");
        revisions::insert(&store, &revision(&other, 2)).await.expect("insert");
        let second = revision(&tool, 2);
        revisions::insert(&store, &second).await.expect("insert");
        let newest = revisions::newest(&store, tool.id).await.expect("find");
        assert_eq!(newest.as_ref(), Some(&second));
        let listed = revisions::list(&store, tool.id, ALL).await.expect("list");
        assert_eq!((listed.total, listed.items), (2, vec![second, first]));
    });
}

#[test]
fn a_state_changes_only_from_one_that_was_expected() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        let (_, draft) = stored_tool(&store, &server, "forecast").await;
        let asked = Revision {
            state: PendingReview,
            requested_at: Some(at(9)),
            requested_by: Some("claude".to_owned()),
            notes: Some("please".to_owned()),
            ..draft.clone()
        };
        let changed = Revision { python_code: "changed".to_owned(), ..asked.clone() };
        let go = async |from: &[State], to: &Revision| {
            revisions::transition(&store, draft.id, from, to).await.expect("transition")
        };
        assert!(!go(&[PendingReview, Rejected], &changed).await);
        assert!(go(&[Draft, Rejected], &changed).await);
        assert!(!go(&[Draft, Rejected], &changed).await, "it is no draft any more");
        let found = revisions::find(&store, draft.id).await.expect("find");
        assert_eq!(found, Some(asked.clone()), "what it is does not change");
        assert!(go(&[PendingReview], &draft).await);
        let found = revisions::find(&store, draft.id).await.expect("find");
        assert_eq!(found, Some(draft.clone()), "and a request can be taken back");
    });
}

#[test]
fn what_waits_longest_comes_first_and_what_was_decided_last() {
    on_both(async |store| {
        let server = stored_server(&store, "weather").await;
        // Number, state, asked, decided.
        let rows = [
            (2, PendingReview, Some(5), None),
            (3, PendingReview, Some(3), None),
            (4, Approved, Some(1), Some(20)),
            (5, Approved, None, None),
            (6, Approved, Some(2), Some(30)),
            (7, Superseded, Some(2), None),
        ];
        let (tool, _) = stored_tool(&store, &server, "forecast").await;
        for (number, state, asked, decided) in rows {
            let mut row = revision(&tool, number);
            (row.state, row.requested_at, row.decided_at) = (state, asked.map(at), decided.map(at));
            revisions::insert(&store, &row).await.expect("insert");
        }
        let numbers = async |state| {
            let listed = revisions::pending(&store, Some(state), None, ALL).await.expect("list");
            assert_eq!(listed.total, u64::try_from(listed.items.len()).expect("a count"));
            for pending in &listed.items {
                assert_eq!((&pending.tool, pending.server_id), (&tool, server.id));
                assert_eq!(pending.server_name, "weather");
            }
            listed.items.iter().map(|pending| pending.revision.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(PendingReview).await, [3, 2]);
        assert_eq!(numbers(Approved).await, [6, 4, 5]);
        assert_eq!(numbers(Superseded).await, [7]);
        assert_eq!(numbers(Draft).await, [1]);
        assert_eq!(numbers(Rejected).await, [0_i32; 0]);
    });
}

#[test]
fn a_state_has_one_name_everywhere() {
    for state in [Draft, PendingReview, Approved, Rejected, Superseded] {
        assert_eq!(serde_json::to_value(state).expect("JSON"), state.as_str());
        assert_eq!(state.to_string().parse::<State>().expect("a state"), state);
    }
    "pending".parse::<State>().expect_err("no state");
}
