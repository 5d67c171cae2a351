//! What was answered survives SIGKILL, and a kill leaves no worker behind.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;
use testkit::http::Api;
use testkit::program::{Program, Start, alive};

const COUNTER: &str = "async def main(n: int) -> int:\n    return n\n";
const SLOW: &str =
    "import asyncio\nasync def main() -> str:\n    await asyncio.sleep(20)\n    return 'late'\n";
const BUSY: &str = "async def main() -> None:\n    while True:\n        pass\n";

#[test]
fn what_was_answered_survives_sigkill_on_sqlite() {
    survives(&Database::sqlite());
}

#[test]
fn what_was_answered_survives_sigkill_on_postgresql() {
    survives(&Database::postgres());
}

fn survives(database: &Database) {
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let counter = publish(&mut model, &api, "kept", "counter", COUNTER);
    publish(&mut model, &api, "kept", "slow", SLOW);
    publish(&mut model, &api, "kept", "busy", BUSY);

    // In the middle of calls: one that waits, one that computes, and a row of answered ones.
    model.ask(&json!({"do": "begin", "name": "kept__slow"}));
    model.ask(&json!({"do": "begin", "name": "kept__busy"}));
    for n in 0..20 {
        assert_eq!(model.ok("kept__counter", &json!({"n": n}))["result"], json!(n));
    }
    let workers = program.workers();
    assert!(!workers.is_empty(), "tools run in processes of their own");
    program.kill();
    wait_until_gone(&workers);

    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let logs = model.ok("mcpbox_get_tool_logs", &json!({"tool_id": counter, "limit": 50}));
    let mut seen: Vec<_> =
        logs["logs"].as_array().expect("a list").iter().map(|row| row["result"].clone()).collect();
    seen.reverse();
    assert_eq!(
        seen,
        (0..20).map(|n| json!(n)).collect::<Vec<_>>(),
        "every answered call is logged"
    );
    let servers = model.ok("mcpbox_list_servers", &json!({}));
    assert_eq!(servers["servers"][0]["status"], "running");
    assert_eq!(model.ok("kept__counter", &json!({"n": 7}))["result"], json!(7));
    assert_eq!(
        Api::sign_in(&program.admin).ok("GET", "/auth/me", &json!(null))["username"],
        "grace"
    );
}

#[test]
fn a_signal_ends_the_program_cleanly_and_leaves_no_worker() {
    let database = Database::sqlite();
    let program = database.serve();
    let workers = program.workers();
    assert!(!workers.is_empty());
    assert!(program.terminate().success());
    wait_until_gone(&workers);
}

#[test]
fn a_second_serve_on_the_same_data_directory_is_told_who_holds_it() {
    let database = Database::sqlite();
    let program = database.serve();
    let dir = database.data_dir();
    let second = Start { command: "serve", data_dir: &dir, database_url: None, arguments: &[] };
    let text = second.refused();
    assert!(text.contains("mcpbox serve") && text.contains("process"), "{text}");
    program.kill();
    // The lock ends with its holder, however that ended.
    let _next = Program::serve(&dir, None);
}

fn wait_until_gone(processes: &[u32]) {
    let began = Instant::now();
    while processes.iter().any(|id| alive(*id)) {
        assert!(began.elapsed() < Duration::from_secs(5), "workers are left behind: {processes:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
