//! The management tools that need no sandbox, as a model uses them.

use serde_json::{Value, json};

use crate::with;

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().expect("text")
}

#[tokio::test]
async fn a_server_is_created_found_and_deleted() {
    let door = with::open().await;
    let created = door.call("mcpbox_create_server", json!({"name": "weather"})).await;
    assert_eq!(created["isError"], false, "{created}");
    let id = created["structuredContent"]["id"].clone();
    assert_eq!(
        serde_json::from_str::<Value>(text(&created)).ok(),
        Some(created["structuredContent"].clone())
    );

    let listed = door.call("mcpbox_list_servers", json!({})).await;
    let server = &listed["structuredContent"]["servers"][0];
    assert_eq!((&server["id"], &server["tool_count"]), (&id, &json!(0)));
    assert_eq!(server["status"], "imported");
    let got = door.call("mcpbox_get_server", json!({"server_id": id})).await;
    assert_eq!(got["structuredContent"]["tools"], json!([]));
    let tools = door.call("mcpbox_list_tools", json!({"server_id": id})).await;
    assert_eq!(tools["structuredContent"]["server_name"], "weather");

    let deleted = door.call("mcpbox_delete_server", json!({"server_id": id})).await;
    assert_eq!(deleted["structuredContent"]["success"], true);
    let gone = door.call("mcpbox_get_server", json!({"server_id": id})).await;
    assert_eq!(gone["isError"], true);
    assert!(text(&gone).contains("mcpbox_list_servers"), "{gone}");
}

#[tokio::test]
async fn every_page_of_a_list_can_be_reached() {
    let door = with::open().await;
    for number in 0..5 {
        let name = format!("server_{number}");
        door.call("mcpbox_create_server", json!({"name": name})).await;
    }
    let mut names = Vec::new();
    for page in 1..=3 {
        let arguments = json!({"page": page, "page_size": 2});
        let listed = door.call("mcpbox_list_servers", arguments).await["structuredContent"].clone();
        assert_eq!((&listed["total"], &listed["page"]), (&json!(5), &json!(page)));
        let servers = listed["servers"].as_array().expect("servers").clone();
        names.extend(servers.into_iter().map(|server| server["name"].clone()));
    }
    assert_eq!(names.len(), 5, "{names:?}");
}

#[tokio::test]
async fn wrong_arguments_are_told_how_to_mend_them() {
    let door = with::open().await;
    let wrong = door.call("mcpbox_get_server", json!({"id": "x"})).await;
    assert_eq!(wrong["isError"], true);
    for part in ["mcpbox_get_server", "server_id: missing", "id: there is no such parameter"] {
        assert!(text(&wrong).contains(part), "{wrong}");
    }
    let wrong = door.call("mcpbox_list_servers", json!({"page": 0})).await;
    assert!(text(&wrong).contains("at least 1"), "{wrong}");
    let wrong = door.call("mcpbox_get_server", json!({"server_id": "seven"})).await;
    assert!(text(&wrong).contains("uuid"), "{wrong}");
}

#[tokio::test]
async fn a_rule_of_the_program_is_told_as_it_stands() {
    let door = with::open().await;
    let refused = door.call("mcpbox_create_server", json!({"name": "No Good"})).await;
    assert_eq!(refused["isError"], true);
    assert!(text(&refused).contains("lower-case"), "{refused}");
    door.call("mcpbox_create_server", json!({"name": "good"})).await;
    let taken = door.call("mcpbox_create_server", json!({"name": "good"})).await;
    assert!(text(&taken).contains("exists"), "{taken}");
}

#[tokio::test]
async fn a_part_that_is_missing_is_named() {
    let door = with::open().await;
    let failed = door.call("mcpbox_validate_code", json!({"code": "x = 1"})).await;
    assert_eq!(failed["isError"], true);
    assert!(text(&failed).contains("sandbox"), "{failed}");
}

#[tokio::test]
async fn code_is_checked_under_either_name_and_not_under_both() {
    let door = with::open().await;
    for arguments in [json!({"code": "x = 1"}), json!({"python_code": "x = 1"})] {
        let read = door.call("mcpbox_validate_code", arguments).await;
        assert!(text(&read).contains("sandbox"), "{read}");
    }
    for arguments in [json!({}), json!({"code": "x = 1", "python_code": "x = 1"})] {
        let refused = door.call("mcpbox_validate_code", arguments).await;
        assert_eq!(refused["isError"], true);
        assert!(text(&refused).contains("give the code once"), "{refused}");
    }
}

#[tokio::test]
async fn stopping_a_stopped_server_changes_nothing_and_is_no_error() {
    let door = with::open().await;
    let created = door.call("mcpbox_create_server", json!({"name": "weather"})).await;
    let id = created["structuredContent"]["id"].clone();
    for _ in 0..2 {
        let stopped = door.call("mcpbox_stop_server", json!({"server_id": id})).await;
        assert_eq!(stopped["structuredContent"]["status"], "stopped", "{stopped}");
    }
}

#[tokio::test]
async fn an_unknown_tool_is_told_which_was_meant() {
    let door = with::open().await;
    for (name, part) in [
        ("mcpbox_list_server", "did you mean `mcpbox_list_servers`?"),
        ("weather__forecast", "tools/list"),
        ("calculator", "tools/list"),
    ] {
        let answer = door.ask("tools/call", json!({"name": name, "arguments": {}})).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        let message = answer["error"]["message"].as_str().expect("text");
        assert!(message.starts_with("Unknown tool: ") && message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn a_cursor_that_no_page_ended_with_is_refused() {
    let door = with::open().await;
    let answer = door.ask("tools/list", json!({"cursor": "nonsense"})).await;
    assert_eq!(answer["error"]["code"], -32602);
    let names = door.ask("tools/list", json!({"cursor": "mcpbox_get_server_modules"})).await;
    assert_eq!(names["error"]["code"], -32602, "a name is no cursor");
    let all = door.ask("tools/list", json!({})).await;
    assert!(all["result"]["tools"].is_array() && all["result"].get("nextCursor").is_none());
}

#[tokio::test]
async fn secrets_are_made_without_values_and_listed_to_the_end() {
    let door = with::open().await;
    let created = door.call("mcpbox_create_server", json!({"name": "box"})).await;
    let id = created["structuredContent"]["id"].clone();
    for number in 0..101 {
        let secret =
            json!({"server_id": id, "key": format!("KEY_{number:03}"), "description": "x"});
        let made = door.call("mcpbox_create_server_secret", secret).await;
        let made = &made["structuredContent"];
        assert_eq!((&made["success"], &made["has_value"]), (&json!(true), &json!(false)), "{made}");
        let page = format!("http://127.0.0.1:3000/servers/{}#secrets", id.as_str().expect("an id"));
        assert!(made["message"].as_str().expect("a text").contains(&page), "{made}");
    }
    let mut keys = Vec::new();
    let mut arguments = json!({"server_id": id});
    loop {
        let listed = door.call("mcpbox_list_server_secrets", arguments.clone()).await;
        let listed = &listed["structuredContent"];
        assert_eq!((&listed["total"], &listed["server_name"]), (&json!(101), &json!("box")));
        let secrets = listed["secrets"].as_array().expect("a list");
        keys.extend(secrets.iter().map(|secret| secret["key"].clone()));
        if listed["next_cursor"].is_null() {
            break;
        }
        arguments["cursor"] = listed["next_cursor"].clone();
    }
    assert_eq!((keys.len(), &keys[100]), (101, &json!("KEY_100")));

    arguments["cursor"] = json!("nonsense");
    let wrong = door.call("mcpbox_list_server_secrets", arguments).await;
    assert!(text(&wrong).contains("next_cursor"), "{wrong}");
    let again = json!({"server_id": id, "key": "KEY_000"});
    let taken = door.call("mcpbox_create_server_secret", again).await;
    assert!(text(&taken).contains("already"), "{taken}");
    let lower = json!({"server_id": id, "key": "lower"});
    let refused = door.call("mcpbox_create_server_secret", lower).await;
    assert!(text(&refused).contains("upper-case"), "{refused}");
}
