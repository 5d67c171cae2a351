//! The settings: what holds, who may change it to what, and what is written down.

use app::policy::{self, ApprovalMode, Policy, Profile, Switch};
use app::{App, Error, audit};
use serde_json::{Map, Value, json};

use crate::with::{World, on_both};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("an object: {other}"),
    }
}

async fn change(world: &World, changes: Value) -> app::Result<Policy> {
    policy::change(&world.app, &world.admin, &object(changes), None).await
}

async fn get(app: &App) -> Policy {
    policy::get(app).await.expect("read")
}

#[test]
fn a_change_holds_in_every_process_at_once_and_is_written_down_with_what_was_before() {
    on_both(async |world| {
        let other = world.another().await;
        assert_eq!(get(&world.app).await, Policy::default());
        assert_eq!(get(&other).await, Policy::default());
        let changes = json!({"tool_approval_mode": "auto_approve", "log_retention_days": "7"});
        let changed = change(&world, changes).await.expect("changed");
        assert_eq!(changed.tool_approval_mode, ApprovalMode::AutoApprove);
        assert_eq!(changed.log_retention_days, 7);
        assert_eq!(get(&other).await, changed, "the other process reads it anew");

        let rows = audit::after(&world.app, 0).await.expect("read");
        let written: Vec<_> = rows.iter().filter(|row| row.action == "setting.changed").collect();
        let details: Vec<_> =
            written.iter().map(|row| (row.subject.as_str(), row.detail.0.clone())).collect();
        let expected = [
            ("tool_approval_mode", json!({"old": "require_approval", "new": "auto_approve"})),
            ("log_retention_days", json!({"old": "30", "new": "7"})),
        ];
        assert_eq!(details, expected);
        assert!(written.iter().all(|row| row.actor == "grace"));

        let same = change(&world, json!({"log_retention_days": 7})).await.expect("nothing to do");
        assert_eq!(same, changed);
        assert_eq!(audit::after(&world.app, 0).await.expect("read").len(), rows.len());
        let stored = policy::stored(&world.app).await.expect("read");
        let days = stored.iter().find(|one| one.key.name() == "log_retention_days");
        let days = days.expect("listed");
        assert_eq!((&days.value, days.fixed_by), (&json!(7), None));
        assert_eq!(days.updated.as_ref().map(|(_, by)| by.as_str()), Some("grace"));
    });
}

#[test]
fn one_wrong_value_changes_nothing_of_the_rest() {
    on_both(async |world| {
        for wrong in [
            json!({}),
            json!({"remote_tool_editing": "enabled", "tool_approval_mode": "perhaps"}),
            json!({"remote_tool_editing": "enabled", "mcp_rate_limit_rpm": 9}),
            json!({"remote_tool_editing": "enabled", "nothing": 1}),
            json!({"remote_tool_editing": "enabled", "a\0b": 1}),
            json!({"remote_tool_editing": "ena\0bled"}),
        ] {
            let refused = change(&world, wrong.clone()).await;
            assert!(matches!(refused, Err(Error::Invalid { .. })), "{wrong}: {refused:?}");
        }
        assert_eq!(get(&world.app).await, Policy::default());
        change(&world, json!({"remote_tool_editing": "enabled"})).await.expect("it works alone");
        assert_eq!(get(&world.app).await.remote_tool_editing, Switch::Enabled);
    });
}

#[test]
fn what_somebody_else_changed_meanwhile_is_not_overwritten() {
    on_both(async |world| {
        let seen = object(json!({"log_retention_days": 30, "mcp_rate_limit_rpm": 300}));
        change(&world, json!({"log_retention_days": 90})).await.expect("changed");
        let mine = object(json!({"mcp_rate_limit_rpm": 50}));
        let late = policy::change(&world.app, &world.admin, &mine, Some(&seen)).await;
        let late = late.expect_err("another changed it");
        assert!(
            matches!(&late, Error::Conflict(text) if text.contains("log_retention_days is 90 now"))
        );
        assert_eq!(get(&world.app).await.mcp_rate_limit_rpm, 300);
        let seen = object(json!({"log_retention_days": 90, "mcp_rate_limit_rpm": 300}));
        policy::change(&world.app, &world.admin, &mine, Some(&seen)).await.expect("as it is");
        assert_eq!(get(&world.app).await.mcp_rate_limit_rpm, 50);
    });
}

#[test]
fn a_profile_sets_who_approves_and_leaves_numbers_alone() {
    on_both(async |world| {
        change(&world, json!({"log_retention_days": 9, "redact_secrets_in_output": "disabled"}))
            .await
            .expect("changed");
        for profile in [Profile::Balanced, Profile::Permissive, Profile::Strict] {
            let policy = policy::apply_profile(&world.app, &world.admin, profile).await;
            let policy = policy.expect("applied");
            assert_eq!(Profile::of(&policy), Some(profile));
            assert_eq!(policy.log_retention_days, 9);
            assert!(policy.redacts_results(), "in all of them");
        }
        assert!(!get(&world.app).await.onboarding_completed);
        policy::complete_onboarding(&world.app, &world.admin).await.expect("done");
        policy::complete_onboarding(&world.app, &world.admin).await.expect("again");
        assert!(get(&world.app).await.onboarding_completed);
        let done = world.audited().await;
        let done = done.iter().filter(|(_, subject)| subject == "onboarding_completed").count();
        assert_eq!(done, 1);
    });
}

#[test]
fn two_who_change_at_once_leave_one_of_both_and_each_is_written_down() {
    on_both(async |world| {
        let other = world.another().await;
        for round in 0..10 {
            let (mine, theirs) = (100 + 2 * round, 101 + 2 * round);
            let mine = object(json!({"mcp_rate_limit_rpm": mine}));
            let theirs = object(json!({"mcp_rate_limit_rpm": theirs}));
            let (one, two) = tokio::join!(
                policy::change(&world.app, &world.admin, &mine, None),
                policy::change(&other, &world.admin, &theirs, None),
            );
            one.expect("changed");
            two.expect("changed");
        }
        let rows = audit::after(&world.app, 0).await.expect("read");
        let changes: Vec<_> = rows.iter().filter(|row| row.action == "setting.changed").collect();
        assert_eq!(changes.len(), 20);
        let word = |row: &audit::Row, name: &str| row.detail.0[name].clone();
        for pair in changes.windows(2) {
            assert_eq!(word(pair[0], "new"), word(pair[1], "old"), "each saw the one before");
        }
        let last = get(&world.app).await.mcp_rate_limit_rpm.to_string();
        assert_eq!(word(changes[19], "new"), json!(last));
    });
}
