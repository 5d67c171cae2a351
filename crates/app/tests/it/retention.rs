//! What is old goes from the execution log, and from nothing else.

use app::calls::{Call, Filter};
use app::{Page, audit, calls, clock, grants, policy, retention};
use chrono::TimeDelta;
use serde_json::json;
use store::refusals::{self, Refusal};
use uuid::Uuid;

use crate::with::{World, on_both};

fn call(world: &World, age: TimeDelta) -> Call {
    Call {
        id: Uuid::now_v7(),
        server_id: world.servers[0],
        tool_id: world.tools[0],
        revision_id: Uuid::now_v7(),
        digest: "digest".to_owned(),
        tool_name: "weather__look".to_owned(),
        caller: "claude".to_owned(),
        kind: app::tools::Kind::Tool,
        is_test: false,
        arguments: json!({}),
        result: Some(json!(1)),
        requests: json!([]),
        refused: json!([]),
        stdout: String::new(),
        error: None,
        error_kind: None,
        success: true,
        duration_us: 1,
        created_at: clock::now() - age,
    }
}

fn refusal(world: &World, host: &str, age: TimeDelta) -> Refusal {
    Refusal {
        server_id: world.servers[0],
        tool_name: "weather__look".to_owned(),
        host: host.to_owned(),
        port: 443,
        reason: "not approved".to_owned(),
        count: 1,
        last_at: clock::now() - age,
    }
}

#[test]
fn calls_that_are_older_than_the_setting_go_and_the_audit_log_stays() {
    on_both(async |world| {
        let store = world.store().await;
        // More than go in one statement.
        for _ in 0..1_010 {
            let old = call(&world, TimeDelta::days(30) + TimeDelta::hours(1));
            store::calls::record(&store, old).await.expect("recorded");
        }
        for age in [TimeDelta::days(29), TimeDelta::hours(1)] {
            store::calls::record(&store, call(&world, age)).await.expect("recorded");
        }
        let refused = [("old.example", TimeDelta::days(31)), ("new.example", TimeDelta::days(8))];
        let refused = refused.map(|(host, age)| refusal(&world, host, age));
        refusals::record(&store, refused.into()).await.expect("recorded");
        store.close().await;

        let left = async || {
            let page = Page { number: 1, size: 1 };
            calls::logs(&world.app, &Filter::default(), page).await.expect("list").total
        };
        assert_eq!(retention::remove_old(&world.app).await.expect("removed"), 1_010);
        assert_eq!(left().await, 2);
        assert_eq!(retention::remove_old(&world.app).await.expect("again"), 0);
        let refused = grants::refusals(&world.app, world.servers[0]).await.expect("list");
        assert!(refused.iter().map(|row| row.host.as_str()).eq(["new.example"]), "{refused:?}");

        let shorter = json!({"log_retention_days": 7}).as_object().cloned().expect("an object");
        policy::change(&world.app, &world.admin, &shorter, None).await.expect("changed");
        assert_eq!(retention::remove_old(&world.app).await.expect("removed"), 1);
        assert_eq!(left().await, 1);
        let report = audit::verify(&world.app, None).await.expect("walked");
        assert_eq!((report.rows, report.broken), (2, None), "the account and the setting");
    });
}
