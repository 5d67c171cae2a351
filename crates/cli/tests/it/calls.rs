//! What the log keeps of calls that end in unusual ways, and results that break their promise.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::http::Api;

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;

#[test]
fn a_call_whose_caller_goes_away_is_cancelled_and_logged() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let code = "async def main() -> None:\n    while True:\n        pass\n";
    let id = publish(&mut model, &api, "away", "spin", code);
    let mut hasty = Client::connect(&program.mcp, "auto");
    hasty.ask(&json!({"do": "begin", "name": "away__spin"}));
    drop(hasty);
    let began = Instant::now();
    let row = loop {
        let logs = model.ok("mcpbox_get_tool_logs", &json!({"tool_id": id}));
        if let Some(row) = logs["logs"].as_array().and_then(|rows| rows.first()) {
            break row.clone();
        }
        assert!(began.elapsed() < Duration::from_secs(20), "the cancelled call is not logged");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(row["success"], json!(false));
    assert!(row["error"].as_str().expect("a text").contains("went away"), "{row}");
}

#[test]
fn a_result_that_breaks_the_return_annotation_is_a_failure_that_says_so() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let code = "async def main(honest: bool) -> dict[str, int]:\n    return {'n': 1 if honest else 'one'}\n";
    publish(&mut model, &api, "promise", "count", code);
    assert_eq!(model.ok("promise__count", &json!({"honest": true})), json!({"n": 1}));
    let text = model.fails("promise__count", &json!({"honest": false}));
    assert!(text.contains("return annotation") && text.contains("result.n"), "{text}");
}

#[test]
fn a_row_that_was_changed_behind_our_back_never_runs() {
    let database = Database::postgres();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let code = |number: u8| format!("async def main() -> int:\n    return {number}\n");
    let id = publish(&mut model, &api, "honest", "one", &code(1));
    assert_eq!(model.ok("honest__one", &json!({})), json!({"result": 1}));

    let change = format!("UPDATE revisions SET python_code = '{}'", code(2));
    database.execute(&change);
    // What is kept ready is what was approved.
    assert_eq!(model.ok("honest__one", &json!({})), json!({"result": 1}));
    // Something else is published, so that the row is read anew.
    publish(&mut model, &api, "honest", "three", &code(3));
    assert_eq!(model.ok("honest__three", &json!({})), json!({"result": 3}));
    for (tool, arguments) in
        [("honest__one", json!({})), ("mcpbox_test_code", json!({"tool_id": id, "arguments": {}}))]
    {
        let refused = model.fails(tool, &arguments);
        assert!(refused.contains("does not match the digest"), "{tool}: {refused}");
    }
    assert!(!model.tools().contains(&"honest__one".to_owned()), "nor is it listed");
}

#[test]
fn every_kind_of_result_reaches_the_client_as_json_on_both_databases() {
    for database in [Database::sqlite(), Database::postgres()] {
        let program = database.serve();
        let mut model = Client::connect(&program.mcp, "legacy");
        let api = Api::sign_in(&program.admin);
        let code = "async def main(value: object = None):\n    print('a\\0b')\n    return value\n";
        let id = publish(&mut model, &api, "echo", "any", code);
        for value in [
            Value::Null,
            json!(true),
            json!(0.1),
            json!(-7),
            json!("plain"),
            json!("NUL \u{0} and \u{1F600}"),
            json!([1, [2, {"three": []}]]),
        ] {
            let answer = model.ok("echo__any", &json!({"value": value}));
            assert_eq!(answer["result"], value, "{answer}");
        }
        let rows = model.ok("mcpbox_get_tool_logs", &json!({"tool_id": id}));
        assert_eq!(rows["logs"].as_array().map(Vec::len), Some(7), "{rows}");
    }
}
