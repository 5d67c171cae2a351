//! Prompts, resources and given schemas through the management tools, the API and the pages.

use serde_json::{Value, json};

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;
use testkit::http::Api;

const PROMPT: &str = "
async def main(topic: str, words: int = 3):
    '''Asks for words.'''
    return f'{words} words on {topic}'
";

const NOTE: &str = "async def main(day: str):\n    return {'day': day}\n";

#[test]
fn models_write_prompts_and_resources_and_people_see_what_they_are() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let server = model.ok("mcpbox_create_server", &json!({"name": "notes"}));
    let server_id = &server["id"];
    let prompt = json!({
        "server_id": server_id, "name": "ask", "kind": "prompt", "python_code": PROMPT,
    });
    let prompt = model.ok("mcpbox_create_tool", &prompt);
    let test = json!({"tool_id": prompt["id"], "arguments": {"topic": "birds", "words": "5"}});
    let tested = model.ok("mcpbox_test_code", &test);
    let said = &tested["result"]["messages"][0];
    assert_eq!(said["content"]["text"], "5 words on birds", "{tested}");

    let resource = json!({
        "server_id": server_id, "name": "note", "kind": "resource", "python_code": NOTE,
    });
    let refused = model.fails("mcpbox_create_tool", &resource);
    assert!(refused.contains("uri") && refused.contains("notes://"), "{refused}");
    let mut resource = resource;
    resource["uri"] = json!("notes://{day}");
    let resource = model.ok("mcpbox_create_tool", &resource);
    let changed = json!({"tool_id": resource["id"], "uri": "notes://days/{day}"});
    model.ok("mcpbox_update_tool", &changed);
    let got = model.ok("mcpbox_get_tool", &json!({"tool_id": resource["id"]}));
    assert_eq!((&got["kind"], &got["uri"]), (&json!("resource"), &json!("notes://days/{day}")));
    let status = model.ok("mcpbox_get_tool_status", &json!({"tool_id": resource["id"]}));
    assert_eq!(status["uri"], "notes://days/{day}");
    let versions = model.ok("mcpbox_list_tool_versions", &json!({"tool_id": resource["id"]}));
    let uris: Vec<_> = versions["versions"].as_array().expect("a list").iter().collect();
    assert_eq!(
        (&uris[0]["uri"], &uris[1]["uri"]),
        (&json!("notes://days/{day}"), &json!("notes://{day}"))
    );
    let listed = model.ok("mcpbox_list_tools", &json!({"server_id": server_id}));
    let kinds: Vec<_> =
        listed["tools"].as_array().expect("a list").iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, [&json!("prompt"), &json!("resource")]);

    let api = Api::sign_in(&program.admin);
    for tool in [&prompt, &resource] {
        model.ok("mcpbox_request_publish", &json!({"tool_id": tool["id"]}));
    }
    let queue = api.ok("GET", "/api/approvals/tools", &Value::Null);
    assert_eq!(queue["items"][1]["uri"], "notes://days/{day}", "{queue}");
    for tool in [&prompt, &resource] {
        api.approve(tool["id"].as_str().expect("an id"));
    }
    let tools = model.tools();
    assert!(!tools.iter().any(|name| name.starts_with("notes__")), "{tools:?}");
    let logs = model.ok("mcpbox_get_tool_logs", &json!({"tool_id": prompt["id"]}));
    assert_eq!(logs["logs"][0]["kind"], "prompt", "{logs}");
}

#[test]
fn what_nobody_describes_is_described_by_its_docstring_or_else_by_its_name() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "legacy");
    let api = Api::sign_in(&program.admin);
    let bare = "async def main() -> int:\n    return 1\n";
    let id = publish(&mut model, &api, "days", "next_holiday", bare);
    assert_eq!(model.tool("days__next_holiday")["description"], "Next holiday");

    let path = format!("/api/tools/{id}");
    let told = bare.replace("return", "'''When to rest.'''\n    return");
    let described = api.ok("PATCH", &path, &json!({"python_code": told}));
    assert_eq!(described["description"], "When to rest.", "{described}");
    let own = api.ok("PATCH", &path, &json!({"description": "My words."}));
    assert_eq!(own["description"], "My words.");
    let cleared = api.ok("PATCH", &path, &json!({"description": ""}));
    assert_eq!(cleared["description"], "When to rest.", "{cleared}");
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    api.approve(&id);
    assert_eq!(model.tool("days__next_holiday")["description"], "When to rest.");
}

#[test]
fn a_description_that_was_read_from_the_docstring_follows_it() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let server = model.ok("mcpbox_create_server", &json!({"name": "days"}));
    let code = |doc: &str| format!("async def main():\n    '''{doc}'''\n    return 1\n");
    let new = json!({"server_id": server["id"], "name": "rest", "python_code": code("First.")});
    let tool = json!({"tool_id": model.ok("mcpbox_create_tool", &new)["id"]});
    let mut update = |doc: &str, description: Option<&str>| {
        let mut changes = tool.clone();
        changes["python_code"] = json!(code(doc));
        if let Some(description) = description {
            changes["description"] = json!(description);
        }
        model.ok("mcpbox_update_tool", &changes);
        model.ok("mcpbox_get_tool", &tool)["description"].clone()
    };
    assert_eq!(update("Second.", None), "Second.");
    assert_eq!(update("Third.", Some("Given.")), "Given.");
    assert_eq!(update("Fourth.", None), "Given.");
    assert_eq!(update("Fifth.", Some("")), "Fifth.");
    assert_eq!(update("Sixth.", None), "Sixth.");
    let versions = model.ok("mcpbox_list_tool_versions", &tool);
    let summary = &versions["versions"][0]["change_summary"];
    assert_eq!(summary, "Updated code, description", "{versions}");
}

#[test]
fn authors_are_told_of_a_name_or_a_uri_that_is_taken_before_they_file_it() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let server = model.ok("mcpbox_create_server", &json!({"name": "notes"}));
    let told = |saved: &Value| saved["notes"].to_string();
    let new = json!({
        "server_id": server["id"], "name": "first", "kind": "resource", "uri": "notes://{day}",
        "python_code": NOTE,
    });
    let first = model.ok("mcpbox_create_tool", &new);
    assert!(!told(&first).contains("notes__first"), "{first}");
    model.ok("mcpbox_request_publish", &json!({"tool_id": first["id"]}));
    api.approve(first["id"].as_str().expect("an id"));
    let own = json!({"tool_id": first["id"], "description": "Of a day."});
    let own = model.ok("mcpbox_update_tool", &own);
    assert!(!told(&own).contains("notes__first"), "it is not in its own way: {own}");

    let same = json!({
        "server_id": server["id"], "name": "second", "kind": "resource", "uri": "notes://{date}",
        "python_code": NOTE.replace("day", "date"),
    });
    let second = model.ok("mcpbox_create_tool", &same);
    assert!(told(&second).contains("`notes__first`"), "{second}");
    let id = &second["id"];
    let filed = model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    let message = filed["message"].as_str().expect("a text");
    assert!(message.contains("`notes__first`"), "{filed}");
    let other =
        model.ok("mcpbox_update_tool", &json!({"tool_id": id, "uri": "notes://dates/{date}"}));
    assert!(!told(&other).contains("notes__first"), "{other}");
    let filed = model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    assert!(!filed["message"].to_string().contains("notes__first"), "{filed}");
    let again = model.ok("mcpbox_update_tool", &json!({"tool_id": id, "uri": "notes://{date}"}));
    assert!(told(&again).contains("`notes__first`"), "{again}");

    let away = json!({"tool_id": first["id"], "name": "moved"});
    model.ok("mcpbox_update_tool", &away);
    let mut new = json!({
        "server_id": server["id"], "name": "first",
        "python_code": "async def main():\n    return 1\n",
    });
    let named = model.ok("mcpbox_create_tool", &new);
    assert!(told(&named).contains("called `notes__first`"), "{named}");
    new["name"] = json!("free");
    let named = model.ok("mcpbox_create_tool", &new);
    assert!(!told(&named).contains("called"), "{named}");
}

#[test]
fn the_status_says_how_each_kind_is_had() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let server = model.ok("mcpbox_create_server", &json!({"name": "notes"}));
    let wrong = json!({
        "server_id": server["id"], "name": "ask", "kind": "prmpt", "python_code": PROMPT,
    });
    let refused = model.fails("mcpbox_create_tool", &wrong);
    for value in ["\"tool\"", "\"prompt\"", "\"resource\""] {
        assert!(refused.contains(value), "{refused}");
    }
    let mut status = |name: &str, kind: &str, uri: Option<&str>, code: &str| {
        let new = json!({
            "server_id": server["id"], "name": name, "kind": kind, "uri": uri, "python_code": code,
        });
        let tool = json!({"tool_id": model.ok("mcpbox_create_tool", &new)["id"]});
        model.ok("mcpbox_request_publish", &tool);
        api.approve(tool["tool_id"].as_str().expect("an id"));
        let status = model.ok("mcpbox_get_tool_status", &tool);
        (status["callable_as"].clone(), status["next"].as_str().expect("a text").to_owned())
    };
    let (name, next) = status("ask", "prompt", None, PROMPT);
    assert_eq!(name, Value::Null, "it is not called");
    assert!(next.contains("prompt `notes__ask`") && !next.contains("its tools"), "{next}");
    let (name, next) = status("note", "resource", Some("notes://{day}"), NOTE);
    assert_eq!(name, Value::Null, "it is not called");
    assert!(next.contains("`notes://{day}`") && !next.contains("its tools"), "{next}");
    let (name, next) = status("sum", "tool", None, "async def main():\n    return 1\n");
    assert_eq!(name, "notes__sum");
    assert!(next.contains("its tools again"), "{next}");
}

#[test]
fn a_schema_is_given_changed_and_taken_back() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let server = model.ok("mcpbox_create_server", &json!({"name": "a"}));
    let api = Api::sign_in(&program.admin);
    let schema = json!({
        "type": "object",
        "properties": {"z": {"type": "integer", "maximum": 9_007_199_254_740_993_u64}, "a": {}},
    });
    let new = json!({
        "name": "open", "python_code": "async def main(**values):\n    return values\n",
        "input_schema": schema,
    });
    let path = format!("/api/servers/{}/tools", server["id"].as_str().expect("an id"));
    let tool = api.ok("POST", &path, &new);
    assert_eq!(tool["input_schema"].to_string(), schema.to_string(), "as it was given");
    assert_eq!((&tool["kind"], &tool["input_schema_given"]), (&json!("tool"), &json!(true)));
    let test = json!({"tool_id": tool["id"], "arguments": {"z": 9_007_199_254_740_994_u64}});
    let tested = model.call("mcpbox_test_code", &test);
    assert!(
        tested["structuredContent"]["error"]
            .as_str()
            .expect("text")
            .contains("at most 9007199254740993"),
        "{tested}"
    );

    let one = format!("/api/tools/{}", tool["id"].as_str().expect("an id"));
    for (wrong, status) in [
        (json!({"input_schema": {"type": "array"}}), 422),
        (json!({"input_schema": {"type": "object", "properties": {"a": true}}}), 422),
        (json!({"input_schema": "x"}), 422),
        (json!({"uri": "notes://a"}), 422),
        (json!({"uri": "a\u{0}"}), 422),
    ] {
        let answer = api.send("PATCH", &one, &wrong);
        assert_eq!(answer.status, status, "{wrong}: {answer:?}");
    }
    let wrong = json!({"name": "b", "kind": "thing", "python_code": "x"});
    assert_eq!(api.send("POST", &path, &wrong).status, 422);
    let back = api.ok("PATCH", &one, &json!({"input_schema": null}));
    assert_eq!((&back["input_schema_given"], &back["current_version"]), (&json!(false), &json!(2)));
    let nothing = json!({"tool_id": tool["id"], "input_schema": null, "description": "Again."});
    let updated = model.ok("mcpbox_update_tool", &nothing);
    assert_eq!(updated["current_version"], json!(3), "{updated}");
    let got = model.ok("mcpbox_get_tool", &json!({"tool_id": tool["id"]}));
    assert_eq!(got["input_schema_given"], json!(false));
    for empty in [json!({}), json!(null)] {
        let given = json!({"tool_id": tool["id"], "input_schema": schema});
        model.ok("mcpbox_update_tool", &given);
        let got = model.ok("mcpbox_get_tool", &json!({"tool_id": tool["id"]}));
        assert_eq!(got["input_schema_given"], json!(true));
        model.ok("mcpbox_update_tool", &json!({"tool_id": tool["id"], "input_schema": empty}));
        let got = model.ok("mcpbox_get_tool", &json!({"tool_id": tool["id"]}));
        assert_eq!(got["input_schema_given"], json!(false), "{empty}");
    }
}
