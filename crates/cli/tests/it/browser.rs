//! A person in a real browser.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::client::{Client, python};
use crate::database::Database;
use crate::whole_loop::CODE;

#[test]
fn a_person_makes_the_account_reads_the_requests_and_decides() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let server = model.ok("mcpbox_create_server", &json!({"name": "shapes"}));
    let new = json!({"server_id": server["id"], "name": "circle", "python_code": CODE});
    let tool = model.ok("mcpbox_create_tool", &new);
    let file = json!({"tool_id": tool["id"], "notes": "for geometry"});
    model.ok("mcpbox_request_publish", &file);
    let ask = |what: &str, name: &str| json!({"tool_id": tool["id"], what: name, "justification": "to plan"});
    model.ok("mcpbox_request_module", &ask("module_name", "sched"));
    model.ok("mcpbox_request_network_access", &ask("host", "api.example.com"));

    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pictures = workspace.join("target/screenshots");
    std::fs::create_dir_all(&pictures).expect("a folder for the pictures");
    let output = Command::new(python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/peers/browser.py"))
        .arg(&program.admin)
        .arg(&pictures)
        .arg("class Circle")
        .output()
        .expect("the browser's driver starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(pictures.join("approvals.png").exists());
    let answer = model.ok("shapes__circle", &json!({"radius": 2}));
    assert_eq!(answer["area"], json!(12.57));
    let status = model.ok("mcpbox_get_tool_status", &json!({"tool_id": tool["id"]}));
    assert_eq!(status["module_requests"][0]["status"], "approved", "{status}");
    let rejected = &status["network_access_requests"][0];
    assert_eq!(rejected["rejection_reason"], "it is a <b>stranger's</b>", "{status}");
    let got = model.ok("mcpbox_get_server", &json!({"server_id": server["id"]}));
    assert_eq!(got["allowed_hosts"], json!(["nas.example"]), "{got}");
}
