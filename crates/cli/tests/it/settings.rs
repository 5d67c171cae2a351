//! The settings, by the API and by flags, and what they do in the whole program.

use std::cell::Cell;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::http::{Answer, Api, send};
use testkit::program::{ACCOUNT, Program, RATE_LIMITS, Start};

use crate::client::Client;
use crate::database::Database;
use crate::exchange::ask;
use crate::whole_loop::publish;

const POLICY: &str = "/api/settings/security-policy";

/// `mcpbox serve` with the rate limits that there are from the start, or those of the arguments.
fn limited(database: &Database, arguments: &[&str]) -> Program {
    let dir = database.data_dir();
    let start = Start { command: "serve", data_dir: &dir, database_url: database.url(), arguments };
    let mut command = start.command();
    for variable in RATE_LIMITS {
        command.env_remove(variable);
    }
    start.run_as(command)
}

#[test]
fn the_policy_is_read_changed_and_refused_by_the_api() {
    let database = Database::postgres();
    let program = limited(&database, &["--api-rate-limit-rpm", "0"]);
    let api = Api::sign_in(&program.admin);
    let before = api.ok("GET", POLICY, &Value::Null);
    let expected = json!({
        "tool_approval_mode": "require_approval",
        "module_approval_mode": "require_approval",
        "network_access_policy": "require_approval",
        "redact_secrets_in_output": "enabled",
        "remote_tool_editing": "disabled",
        "log_retention_days": 30,
        "mcp_rate_limit_rpm": 300,
        "tool_rate_limit_rpm": 0,
        "profile": "strict",
        "fixed": {},
    });
    assert_eq!(before, expected);
    for (body, part) in [
        (json!({}), "nothing to change"),
        (json!({"tool_approval_mode": "maybe"}), "require_approval or auto_approve"),
        (json!({"log_retention_days": 0}), "1 to 3650"),
        (json!({"log_retention_days": null}), "1 to 3650"),
        (json!({"mcp_rate_limit_rpm": 5}), "10 to 10000, or 0"),
        (json!({"tool_rate_limit_rpm": 5}), "10 to 10000, or 0"),
        (json!({"colour": "green", "log_retention_days": 5}), "there is no setting"),
        (json!({"x\u{0}": "\u{0}"}), "there is no setting"),
        (json!({"onboarding_completed": true}), "there is no setting"),
        (json!(["log_retention_days"]), "map"),
    ] {
        let answer = api.send("PATCH", POLICY, &body);
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        assert!(answer.body.contains(part), "{body}: {answer:?}");
    }
    assert_eq!(api.ok("GET", POLICY, &Value::Null), before, "nothing was written");
    let changed = api.ok("PATCH", POLICY, &json!({"log_retention_days": 90}));
    assert_eq!(changed["log_retention_days"], 90, "{changed}");

    let profile = "/api/settings/security-profile";
    let applied = api.ok("PATCH", profile, &json!({"profile": "permissive"}));
    assert_eq!(applied["settings"]["network_access_policy"], "allow_all_public", "{applied}");
    assert_eq!(applied["settings"]["redact_secrets_in_output"], "enabled", "{applied}");
    assert_eq!(api.ok("GET", POLICY, &Value::Null)["profile"], "permissive");
    for body in [json!({"profile": "wild"}), json!({"profile": 1}), json!({})] {
        let answer = api.send("PATCH", profile, &body);
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
    }
    let status = || send(&program.admin, "GET", "/auth/status", &[], "").json();
    assert_eq!(status()["onboarding_completed"], false);
    api.ok("POST", "/api/settings/onboarding-complete", &Value::Null);
    assert_eq!(status()["onboarding_completed"], true);

    let all = api.ok("GET", "/api/settings", &Value::Null);
    let all = all["settings"].as_array().expect("a list");
    let of = |key: &str| all.iter().find(|one| one["key"] == key).expect("listed");
    assert_eq!(all.len(), 9);
    assert_eq!(of("log_retention_days")["value"], 90);
    assert_eq!(of("log_retention_days")["updated_by"], ACCOUNT.0);
    assert_eq!(of("mcp_rate_limit_rpm")["updated_at"], Value::Null, "nobody set it");
}

#[test]
fn what_a_flag_fixes_is_shown_so_and_cannot_be_changed() {
    let database = Database::sqlite();
    let arguments = ["--mcp-rate-limit-rpm", "20", "--log-retention-days", "5"];
    let program = limited(&database, &arguments);
    let api = Api::sign_in(&program.admin);
    let policy = api.ok("GET", POLICY, &Value::Null);
    assert_eq!(
        (&policy["mcp_rate_limit_rpm"], &policy["log_retention_days"]),
        (&json!(20), &json!(5))
    );
    let fixed = json!({
        "log_retention_days": "MCPBOX_LOG_RETENTION_DAYS",
        "mcp_rate_limit_rpm": "MCPBOX_MCP_RATE_LIMIT_RPM",
    });
    assert_eq!(policy["fixed"], fixed);
    let both = json!({"remote_tool_editing": "enabled", "mcp_rate_limit_rpm": 50});
    let refused = api.send("PATCH", POLICY, &both);
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.body.contains("MCPBOX_MCP_RATE_LIMIT_RPM"), "{refused:?}");
    assert_eq!(api.ok("GET", POLICY, &Value::Null)["remote_tool_editing"], "disabled");
    let same = json!({"remote_tool_editing": "enabled", "mcp_rate_limit_rpm": 20});
    assert_eq!(api.ok("PATCH", POLICY, &same)["remote_tool_editing"], "enabled");
    api.ok("PATCH", "/api/settings/security-profile", &json!({"profile": "strict"}));
}

/// Asks until the answer is 429, at most so often.
fn exhaust(most: usize, ask: impl Fn() -> Answer) -> Answer {
    for _ in 0..most {
        let answer = ask();
        if answer.status == 429 {
            return answer;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    panic!("{most} requests were let through")
}

#[test]
fn a_change_of_the_limit_reaches_the_other_process_and_the_api_has_its_own() {
    let database = Database::sqlite();
    let dir = database.data_dir();
    let limits = ["--api-rate-limit-rpm", "60"];
    let door = |command| {
        let start = Start { command, data_dir: &dir, database_url: None, arguments: &limits };
        let mut command = start.command();
        for variable in RATE_LIMITS {
            command.env_remove(variable);
        }
        start.run_as(command)
    };
    let (people, clients) = (door("admin"), door("gateway"));
    let api = Api::sign_in(&people.admin);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
    let headers =
        [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
    let ask = || send(&clients.mcp, "POST", "/mcp", &headers, ping);
    let limit = |answer: &Answer| {
        let mut lines = answer.head.lines().map(str::to_ascii_lowercase);
        lines.find_map(|line| line.strip_prefix("x-ratelimit-limit: ").map(str::to_owned))
    };
    assert_eq!(limit(&ask()).as_deref(), Some("300"));
    api.ok("PATCH", POLICY, &json!({"mcp_rate_limit_rpm": 10}));
    let began = Instant::now();
    while limit(&ask()).as_deref() != Some("10") {
        assert!(began.elapsed() < Duration::from_secs(30), "the other process never sees it");
    }
    let refused = exhaust(1_000, ask);
    let head = refused.head.to_ascii_lowercase();
    assert!(head.contains("retry-after: ") && head.contains("x-ratelimit-reset: "), "{head}");
    assert!(head.contains("application/problem+json"), "{head}");
    assert_eq!(send(&clients.mcp, "GET", "/health", &[], "").status, 200, "health is exempt");
    api.ok("PATCH", POLICY, &json!({"mcp_rate_limit_rpm": 0}));
    while ask().status != 200 {
        assert!(began.elapsed() < Duration::from_mins(1), "the other process never sees it");
    }

    let refused = exhaust(1_000, || api.send("GET", "/api/servers", &Value::Null));
    assert!(refused.head.to_ascii_lowercase().contains("retry-after: "), "{refused:?}");
    assert!(refused.body.contains("more than 60 requests a minute"), "{refused:?}");
    let page = || send(&people.admin, "GET", "/login", &[], "").status;
    assert!((0..80).all(|_| page() == 200), "pages are exempt");
}

#[test]
fn one_tool_called_too_often_rests_while_others_go_on() {
    let database = Database::sqlite();
    let arguments = ["--mcp-rate-limit-rpm", "0", "--tool-rate-limit-rpm", "10"];
    let program = limited(&database, &arguments);
    let mut model = Client::connect(&program.mcp, "legacy");
    let api = Api::sign_in(&program.admin);
    assert_eq!(api.ok("GET", POLICY, &Value::Null)["tool_rate_limit_rpm"], 10);
    let code = "async def main() -> int:\n    return 1\n";
    publish(&mut model, &api, "often", "one", code);
    publish(&mut model, &api, "often", "two", code);
    let servers = model.ok("mcpbox_list_servers", &json!({}));
    let new = json!({
        "server_id": servers["servers"][0]["id"], "name": "day", "kind": "resource",
        "uri": "often://{day}", "python_code": "async def main(day: str):\n    return day\n",
    });
    let resource = model.ok("mcpbox_create_tool", &new)["id"].clone();
    model.ok("mcpbox_request_publish", &json!({"tool_id": resource}));
    api.approve(resource.as_str().expect("an id"));

    let call =
        |name: &str| ask(&program.mcp, "tools/call", &json!({"name": name, "arguments": {}}), &[]);
    let refused = exhaust(200, || call("often__one"));
    assert!(refused.body.contains("more than 10 calls of `often__one` a minute"), "{refused:?}");
    let head = refused.head.to_ascii_lowercase();
    assert!(head.contains("retry-after: ") && head.contains("x-ratelimit-limit: 10"), "{head}");
    assert!(head.contains("application/problem+json"), "{head}");
    assert_eq!(call("often__two").status, 200);
    let calls = api.ok("GET", "/api/execution-logs", &Value::Null)["total"].as_u64();
    assert!(calls.is_some_and(|calls| calls > 10), "{calls:?}");

    // One tool makes them all.
    let day = Cell::new(0);
    let refused = exhaust(200, || {
        day.set(day.get() + 1);
        let uri = format!("often://{}", day.get());
        ask(&program.mcp, "resources/read", &json!({"uri": uri}), &[])
    });
    assert!(refused.body.contains("calls of `often__day`"), "{refused:?}");
    assert_eq!(call("often__two").status, 200);
    let mut session = Client::connect(&program.mcp, "legacy");
    assert!(session.tools().contains(&"often__one".to_owned()), "lists are no calls");
}

#[test]
fn a_shorter_retention_removes_old_calls_and_leaves_the_audit_log() {
    let database = Database::postgres();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let code = "async def main() -> int:\n    return 1\n";
    publish(&mut model, &api, "kept", "one", code);
    for _ in 0..3 {
        model.ok("kept__one", &json!({}));
    }
    database.execute("UPDATE calls SET created_at = created_at - interval '20 days' WHERE id <> (SELECT id FROM calls ORDER BY created_at DESC LIMIT 1)");
    let calls = || api.ok("GET", "/api/execution-logs", &Value::Null)["total"].clone();
    let before = api.ok("GET", "/api/audit", &Value::Null)["total"].as_i64().expect("a number");
    assert_eq!(calls(), 3);
    api.ok("PATCH", POLICY, &json!({"log_retention_days": 10}));
    let began = Instant::now();
    while calls() != 1 {
        assert!(began.elapsed() < Duration::from_secs(30), "they stay");
        std::thread::sleep(Duration::from_millis(50));
    }
    let after = api.ok("GET", "/api/audit", &Value::Null)["total"].as_i64().expect("a number");
    assert_eq!(after, before + 1, "the setting");
}
