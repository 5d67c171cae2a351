//! `/metrics`: who may read it, that Prometheus could, and that it moves with what happens.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use testkit::http::{Api, send};
use testkit::program::Start;

use crate::client::Client;
use crate::database::Database;
use crate::exchange::metric;
use crate::pages::Browser;
use crate::whole_loop::publish;

const TOKEN: &str = "a-token-for-prometheus";

const CODE: &str = "async def main(number: int) -> int:\n    return 10 // number\n";

/// Reads a text as Prometheus does, strictly: the samples by series.
fn read(text: &str) -> HashMap<String, f64> {
    let mut types = HashMap::new();
    let mut samples = HashMap::new();
    let body = text.strip_suffix("# EOF\n").expect("it ends with its end");
    for line in body.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let (word, rest) = comment.split_once(' ').expect("two words");
            let (name, what) = rest.split_once(' ').expect("a name");
            assert!(["HELP", "TYPE", "UNIT"].contains(&word), "{line}");
            if word == "TYPE" {
                let known = types.insert(name.to_owned(), what.to_owned());
                assert_eq!(known, None, "{name} is declared twice");
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let name = series.split('{').next().expect("a name");
        assert!(name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()), "{line}");
        let suffixes = ["_total", "_bucket", "_count", "_sum", "_info"];
        let family = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        assert!(types.contains_key(family) || types.contains_key(name), "{line}: no type");
        let value: f64 = value.parse().expect("a number");
        assert_eq!(samples.insert(series.to_owned(), value), None, "{series} comes twice");
    }
    samples
}

#[test]
fn what_happens_shows_and_what_is_deleted_goes() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let id = publish(&mut model, &api, "sums", "share", CODE);
    publish(&mut model, &api, "sums", "other", CODE);
    let before = read(&api.send("GET", "/metrics", &Value::Null).body);
    for number in [1, 2, 5] {
        model.ok("sums__share", &json!({"number": number}));
    }
    model.fails("sums__share", &json!({"number": 0}));
    model.ok("sums__other", &json!({"number": 1}));
    model.ok("mcpbox_test_code", &json!({"tool_id": id, "arguments": {"number": 1}}));
    let draft = json!({"server_id": model.ok("mcpbox_list_servers", &json!({}))["servers"][0]["id"],
        "name": "third", "python_code": CODE});
    let draft = model.ok("mcpbox_create_tool", &draft)["id"].clone();
    model.ok("mcpbox_request_publish", &json!({"tool_id": draft}));

    let after = read(&api.send("GET", "/metrics", &Value::Null).body);
    let of = |tool: &str, outcome: &str| {
        let labels = format!("method=\"tools/call\",server=\"sums\",tool=\"sums__{tool}\"");
        after.get(&format!("mcpbox_calls_total{{{labels},outcome=\"{outcome}\"}}")).copied()
    };
    assert_eq!(of("share", "ok"), Some(3.0), "{after:?}");
    assert_eq!(of("share", "exception"), Some(1.0));
    assert_eq!(of("other", "ok"), Some(1.0));
    let count = "mcpbox_call_duration_seconds_count{method=\"tools/call\",server=\"sums\",tool=\"sums__share\"}";
    assert_eq!(after.get(count), Some(&4.0));
    for (series, least) in [
        ("mcpbox_tests_total{outcome=\"ok\"}", 1.0),
        ("mcpbox_http_requests_total{door=\"mcp\",status=\"2xx\"}", 8.0),
        ("mcpbox_database_statement_duration_seconds_count", 8.0),
    ] {
        let grown = after[series] - before.get(series).copied().unwrap_or(0.0);
        assert!(grown >= least, "{series}: {grown}");
    }
    let value = |series: &str| after.get(series).copied();
    assert_eq!(value("mcpbox_waiting_for_approval{kind=\"tool\"}"), Some(1.0));
    assert_eq!(value("mcpbox_calls_running"), Some(0.0));
    assert_eq!(value("mcpbox_workers_ready"), value("mcpbox_workers"));
    let version = format!("mcpbox_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(value(&version), Some(1.0));

    api.send("DELETE", &format!("/api/tools/{id}"), &Value::Null);
    let gone = read(&api.send("GET", "/metrics", &Value::Null).body);
    let tools: HashSet<&str> = gone
        .keys()
        .filter_map(|series| series.split("tool=\"").nth(1)?.split('"').next())
        .collect();
    assert_eq!(tools, HashSet::from(["sums__other"]), "{gone:?}");
}

#[test]
fn a_worker_that_is_lost_is_counted() {
    let database = Database::sqlite();
    let program = database.serve();
    let api = Api::sign_in(&program.admin);
    assert!(metric(&api, "mcpbox_workers_lost_total") < 1.0);
    let worker = program.workers()[0].to_string();
    let killed = std::process::Command::new("kill").args(["-9", &worker]).status();
    assert!(killed.expect("kill runs").success());
    let began = std::time::Instant::now();
    while metric(&api, "mcpbox_workers_lost_total") < 1.0 {
        assert!(began.elapsed() < std::time::Duration::from_mins(1), "nothing is counted");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn the_token_and_who_is_signed_in_may_read_and_nobody_else() {
    let database = Database::sqlite();
    let data_dir = database.data_dir();
    let arguments = ["--metrics-token", TOKEN, "--metrics-listen", "127.0.0.1:0"];
    let start =
        Start { command: "serve", data_dir: &data_dir, database_url: None, arguments: &arguments };
    let program = start.run();
    let api = Api::sign_in(&program.admin);
    let with = |token: &str| {
        let value = format!("Bearer {token}");
        send(&program.admin, "GET", "/metrics", &[("Authorization", value.as_str())], "")
    };
    let read_by_token = with(TOKEN);
    assert_eq!(read_by_token.status, 200);
    let head = read_by_token.head.to_ascii_lowercase();
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert_eq!(api.send("GET", "/metrics", &Value::Null).status, 200);
    assert_eq!(Browser::sign_in(&program.admin).get("/metrics").status, 200);
    for wrong in ["a-token-for-prometheux", "", "x"] {
        let refused = with(wrong);
        assert_eq!(refused.status, 401, "{refused:?}");
        assert!(!refused.body.contains("mcpbox_"), "{refused:?}");
    }
    let refused = send(&program.admin, "GET", "/metrics", &[], "");
    assert_eq!(refused.status, 401, "{refused:?}");
    assert_eq!(send(&program.mcp, "GET", "/metrics", &[], "").status, 404, "not at the MCP door");
}

#[test]
fn an_open_listener_for_metrics_needs_a_token() {
    let database = Database::sqlite();
    let data_dir = database.data_dir();
    let arguments = ["--metrics-listen", "0.0.0.0:0"];
    let start = Start {
        command: "gateway",
        data_dir: &data_dir,
        database_url: None,
        arguments: &arguments,
    };
    let refused = start.refused();
    assert!(refused.contains("--metrics-token"), "{refused}");
}
