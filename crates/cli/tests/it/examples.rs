//! The example tools of `docs/examples` on the way that every tool goes, with the official client.

use std::path::Path;

use serde_json::{Value, json};
use testkit::http::Api;

use crate::client::Client;
use crate::database::Database;

/// The tools' names, sources and first calls, arguments and result.
fn examples() -> Vec<(String, String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples");
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).expect("the folder of the examples") {
        let path = file.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "py") {
            continue;
        }
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let source = std::fs::read_to_string(&path).expect("a text");
        let calls = std::fs::read_to_string(path.with_extension("json")).expect("its calls");
        let calls: Value = serde_json::from_str(&calls).expect("JSON");
        found.push((name, source, calls["calls"][0].clone()));
    }
    found
}

#[test]
fn every_example_can_be_created_tested_filed_approved_and_called() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let server = model.ok("mcpbox_create_server", &json!({"name": "examples"}));
    let examples = examples();
    assert_eq!(examples.len(), 20);
    for (name, source, call) in &examples {
        let new = json!({"server_id": server["id"], "name": name, "python_code": source});
        let made = model.ok("mcpbox_create_tool", &new);
        let id = made["id"].as_str().expect("an id");
        let test = json!({"tool_id": id, "arguments": call["arguments"]});
        let tested = model.ok("mcpbox_test_code", &test);
        assert_eq!(tested["success"], json!(true), "{name}: {tested}");
        model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
        api.approve(id);

        // The client holds the answer against the tool's output schema, too.
        let answer = model.ok(&format!("examples__{name}"), &call["arguments"]);
        if let Some(expected) = call.get("result") {
            assert_eq!(&tested["result"], expected, "{name}");
            let plain = if expected.is_object() { &answer } else { &answer["result"] };
            assert_eq!(plain, expected, "{name}");
        }
    }
    let listed = model.tools();
    for (name, ..) in &examples {
        assert!(listed.contains(&format!("examples__{name}")), "{name} is not listed");
    }
}
