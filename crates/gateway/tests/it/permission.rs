//! The tools for asking a person, as far as they need no tool of their own.

use serde_json::{Value, json};

use crate::with;

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().expect("text")
}

#[tokio::test]
async fn modules_are_listed_for_all_and_for_a_server_that_exists() {
    let door = with::open().await;
    let listed = door.call("mcpbox_get_server_modules", json!({})).await;
    let listed = &listed["structuredContent"];
    assert_eq!(listed["is_custom_config"], false, "{listed}");
    let names = listed["allowed_modules"].as_array().expect("a list");
    assert!(names.contains(&json!("json")) && !names.contains(&json!("sched")), "{listed}");
    assert_eq!(listed["total_allowed"], names.len(), "{listed}");

    let created = door.call("mcpbox_create_server", json!({"name": "weather"})).await;
    let id = created["structuredContent"]["id"].clone();
    let of_server = door.call("mcpbox_get_server_modules", json!({"server_id": id})).await;
    assert_eq!(&of_server["structuredContent"], listed);
    let nobody = json!({"server_id": "01890000-0000-7000-8000-000000000000"});
    let refused = door.call("mcpbox_get_server_modules", nobody).await;
    assert!(text(&refused).contains("not found"), "{refused}");
}

#[tokio::test]
async fn a_person_allows_hosts_and_modules_and_the_model_sees_them() {
    let door = with::open().await;
    let created = door.call("mcpbox_create_server", json!({"name": "weather"})).await;
    let id = created["structuredContent"]["id"].clone();
    let get = async || {
        let got = door.call("mcpbox_get_server", json!({"server_id": id})).await;
        got["structuredContent"].clone()
    };
    let before = get().await;
    assert_eq!(before["allowed_hosts"], json!([]), "{before}");
    assert_eq!(before["allowed_packages"], json!([]), "{before}");
    assert_eq!(
        before["pending_requests"],
        json!({"modules": 0, "network": 0, "packages": 0}),
        "{before}"
    );

    let admin = app::accounts::setup(&door.app, "grace", "a long enough password").await;
    let admin = admin.expect("an account");
    let server_id = id.as_str().and_then(|id| id.parse().ok()).expect("an id");
    app::grants::add_host(&door.app, &admin, server_id, "API.example.com", Some(8443))
        .await
        .expect("allowed");
    let added = ["sched".to_owned()];
    app::grants::change_modules(&door.app, &admin, &added, &[]).await.expect("allowed");
    assert_eq!(get().await["allowed_hosts"], json!(["api.example.com:8443"]));
    let listed = door.call("mcpbox_get_server_modules", json!({})).await;
    let listed = &listed["structuredContent"];
    assert_eq!(listed["is_custom_config"], true, "{listed}");
    let names = listed["allowed_modules"].as_array().expect("a list");
    assert!(names.contains(&json!("sched")), "{listed}");
}

#[tokio::test]
async fn requests_are_checked_before_they_are_filed() {
    let door = with::open().await;
    let tool = "01890000-0000-7000-8000-000000000000";
    let host = |port: i64| json!({"tool_id": tool, "host": "a.example", "port": port, "justification": "x"});
    let wish = |mut what: Value| {
        what["tool_id"] = json!(tool);
        what["justification"] = json!("x");
        what
    };
    for (name, arguments, part) in [
        ("mcpbox_request_module", json!({"tool_id": tool}), "justification: missing"),
        ("mcpbox_request_module", wish(json!({})), "module_name: missing"),
        ("mcpbox_request_module", wish(json!({"version": "1"})), "module_name: missing"),
        ("mcpbox_request_module", wish(json!({"module_name": "a", "package": "b"})), "not both"),
        ("mcpbox_request_module", wish(json!({"module_name": "a", "version": "1"})), "version:"),
        ("mcpbox_request_module", wish(json!({"module_name": "sched"})), "not found"),
        ("mcpbox_request_module", wish(json!({"package": "six"})), "not found"),
        ("mcpbox_request_module", wish(json!({"package": "six", "version": "1"})), "not found"),
        ("mcpbox_request_network_access", json!({"tool_id": tool}), "justification: missing"),
        ("mcpbox_request_network_access", host(0), "at least 1"),
        ("mcpbox_request_network_access", host(65_536), "65535"),
        ("mcpbox_request_network_access", host(443), "not found"),
    ] {
        let refused = door.call(name, arguments).await;
        assert_eq!(refused["isError"], true, "{refused}");
        assert!(text(&refused).contains(part), "{part}: {refused}");
    }
    let pending = door.call("mcpbox_list_pending_requests", json!({})).await;
    let pending = &pending["structuredContent"];
    let nothing =
        json!({"tools": 0, "modules": 0, "network": 0, "packages": 0, "sources": 0, "total": 0});
    assert_eq!(pending["summary"], nothing, "{pending}");
}
