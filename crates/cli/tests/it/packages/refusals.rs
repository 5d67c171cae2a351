//! What is refused, each beside the same thing allowed.

use package_index::{Fault, File, Wheel};
use serde_json::{Value, json};
use testkit::http::Api;

use super::{ask, index, plan, serve, server_id};
use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::approve_unfiled;

const CODE: &str = "async def main() -> int:\n    return 1\n";

#[test]
fn a_model_is_told_at_once_what_cannot_be_had() {
    let (database, index) = (Database::sqlite(), index());
    index.add(File::new("sources-1.0.tar.gz", "an archive"));
    index.add(File::from(&Wheel::new("fresh", "1.0")).with("requires-python", json!(">=3.99")));
    index.add(&Wheel::new("picky", "1.0").requires("greeting<2").requires("greeting>=2"));
    index.add(File::from(&Wheel::new("gone", "1.0")).with("yanked", json!("it was broken")));
    let program = serve(&database, &index);
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = approve_unfiled(&mut model, &api, "doors", "greet", CODE);
    for (package, version, part) in [
        ("greetings", None, "no package `greetings`"),
        ("greeting", Some("9.9"), "no release 9.9"),
        ("greeting", Some("newest"), "one exact version"),
        ("../greeting", None, "no name of a package"),
        ("sources", None, "source only"),
        ("sources", Some("1.0"), "source only"),
        ("fresh", None, "does not allow Python"),
        ("picky", None, "cannot be had together"),
        ("gone", None, "withdrawn"),
        ("httpx", None, "import it"),
    ] {
        let refused = model.fails("mcpbox_request_module", &ask(&tool_id, package, version));
        assert!(refused.contains(part), "{package} {version:?}: {refused}");
    }
    let both = json!({"tool_id": tool_id, "module_name": "sched", "package": "greeting", "justification": "x"});
    assert!(model.fails("mcpbox_request_module", &both).contains("not both"));
    let pending = model.ok("mcpbox_list_pending_requests", &json!({}));
    assert_eq!(pending["summary"]["total"], 0, "nothing was filed: {pending}");

    // A person may want exactly a withdrawn release.
    let asked = model.ok("mcpbox_request_module", &ask(&tool_id, "gone", Some("1.0")));
    assert_eq!(plan(&api, &asked)["packages"][0]["locked"]["yanked"], "it was broken");
    model.ok("mcpbox_request_module", &ask(&tool_id, "greeting", None));
}

#[test]
fn without_an_index_a_request_waits_for_its_plan() {
    let (database, index) = (Database::sqlite(), index());
    index.fault("/simple/greeting/", Fault::Answer(503, Vec::new()));
    let program = serve(&database, &index);
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = approve_unfiled(&mut model, &api, "doors", "greet", CODE);
    let refused = model.fails("mcpbox_request_module", &ask(&tool_id, "greeting", None));
    assert!(refused.contains("503"), "the newest cannot be known: {refused}");
    let asked = model.ok("mcpbox_request_module", &ask(&tool_id, "greeting", Some("1.0")));
    assert!(
        asked["message"].as_str().is_some_and(|text| text.contains("did not answer")),
        "{asked}"
    );
    assert_eq!(asked["dependencies"], Value::Null, "{asked}");
    let path = format!("/api/approvals/packages/{}", super::id(&asked));
    let shown = api.ok("GET", &path, &Value::Null);
    assert_eq!(shown["plan"], Value::Null, "{shown}");
    assert!(shown["plan_error"].as_str().is_some_and(|text| text.contains("503")), "{shown}");
    let blind =
        api.send("POST", &format!("{path}/action"), &json!({"action": "approve", "plan": "x"}));
    assert_eq!(blind.status, 503, "{blind:?}");
    index.mend();
    let plan = plan(&api, &asked);
    super::approve(&api, &asked, &plan);
}

#[test]
fn a_feed_that_does_not_answer_is_in_nobodys_way() {
    let (database, index) = (Database::sqlite(), index());
    index.fault("/querybatch", Fault::Silence);
    let program = serve(&database, &index);
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = approve_unfiled(&mut model, &api, "doors", "greet", CODE);
    let asked = model.ok("mcpbox_request_module", &ask(&tool_id, "greeting", Some("1.0")));
    let shown = plan(&api, &asked);
    assert!(shown["not_checked"].as_str().is_some_and(|text| text.contains("5 s")), "{shown}");
    index.mend();
    assert_eq!(plan(&api, &asked)["not_checked"], Value::Null);
}

#[test]
fn the_api_says_what_is_wrong_with_a_decision() {
    let (database, index) = (Database::sqlite(), index());
    let program = serve(&database, &index);
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = approve_unfiled(&mut model, &api, "doors", "greet", CODE);
    let asked = model.ok("mcpbox_request_module", &ask(&tool_id, "greeting", Some("1.0")));
    let one = format!("/api/approvals/packages/{}", super::id(&asked));
    let action = format!("{one}/action");
    let nobody = "/api/approvals/packages/01890000-0000-7000-8000-000000000000";
    let server = format!("/api/servers/{}/packages", server_id(&api));
    let nowhere = "/api/servers/01890000-0000-7000-8000-000000000000/packages";
    let module = model.ok(
        "mcpbox_request_module",
        &json!({"tool_id": tool_id, "module_name": "sched", "justification": "x"}),
    );
    let of_module = format!("/api/approvals/packages/{}", super::id(&module));
    for (method, path, body, status) in [
        ("POST", action.as_str(), json!({"action": "approve"}), 422),
        ("POST", &action, json!({"action": "approve", "plan": "x"}), 409),
        ("POST", &action, json!({"action": "approve", "plan": 3}), 422),
        ("POST", &action, json!({"action": "maybe"}), 422),
        ("POST", &action, json!({"action": "reject"}), 422),
        ("POST", &action, json!({}), 422),
        ("GET", nobody, Value::Null, 404),
        ("GET", "/api/approvals/packages/1", Value::Null, 404),
        ("GET", &of_module, Value::Null, 404),
        ("GET", "/api/approvals/packages?status=sideways", Value::Null, 422),
        ("GET", nowhere, Value::Null, 404),
        ("POST", nowhere, json!({"package": "greeting"}), 404),
        ("POST", &server, json!({}), 422),
        ("POST", &server, json!({"package": "gree ting"}), 422),
        ("POST", &server, json!({"package": "greeting", "version": "^1"}), 422),
        ("POST", &server, json!({"package": "greeting", "version": "1.0", "plan": "x"}), 409),
        ("DELETE", &format!("{server}/greeting"), Value::Null, 404),
        ("DELETE", &format!("{server}/..%2Fx"), Value::Null, 422),
        ("DELETE", &format!("{nowhere}/greeting"), Value::Null, 404),
        ("GET", &one, Value::Null, 200),
        ("GET", "/api/approvals/packages?status=pending", Value::Null, 200),
        ("GET", &server, Value::Null, 200),
        ("POST", &server, json!({"package": "greeting", "version": "1.0"}), 200),
        ("POST", &action, json!({"action": "reject", "reason": "say it yourself"}), 200),
    ] {
        let answer = api.send(method, path, &body);
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
    }
    let again = model.fails("mcpbox_request_module", &ask(&tool_id, "greeting", Some("1.0")));
    assert!(again.contains("say it yourself"), "{again}");
    let after_all = plan(&api, &asked);
    super::approve(&api, &asked, &after_all);
}
