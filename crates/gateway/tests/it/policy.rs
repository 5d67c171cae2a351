//! What the settings do at this door: who may edit, and how often anybody may ask.

use app::identity::Admin;
use app::tokens::{self, New};
use app::{accounts, policy};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use crate::with::{self, TestDoor, initialize, legacy, modern, read, session_of, with_token};

async fn admin(door: &TestDoor) -> Admin {
    accounts::setup(&door.app, "grace", "a long enough password").await.expect("an account")
}

async fn set(door: &TestDoor, admin: &Admin, changes: Value) {
    let changes = changes.as_object().cloned().expect("an object");
    policy::change(&door.app, admin, &changes, None).await.expect("changed");
}

async fn token(door: &TestDoor, name: &str) -> String {
    let new = New { name: name.to_owned(), call: true, author: true, expires_in_days: None };
    tokens::create_by(&door.app, "tester", new).await.expect("a token").1
}

fn number(response: &Response, name: &str) -> u64 {
    let value = response.headers().get(name).expect("a header");
    value.to_str().ok().and_then(|text| text.parse().ok()).expect("a number")
}

#[tokio::test]
async fn remote_callers_edit_only_where_a_person_enabled_it() {
    let door = with::open().await;
    let admin = admin(&door).await;
    let token = token(&door, "laptop").await;
    let call = async |name: &str, arguments: Value| {
        let request = modern("tools/call", json!({"name": name, "arguments": arguments}));
        read(door.send(with_token(request, &token)).await).await.1["result"].clone()
    };
    let nobody = "01890000-0000-7000-8000-000000000000";
    for (name, arguments) in [
        ("mcpbox_create_server", json!({"name": "weather"})),
        ("mcpbox_delete_server", json!({"server_id": nobody})),
        ("mcpbox_delete_tool", json!({"tool_id": nobody})),
        ("mcpbox_update_tool", json!({"tool_id": nobody, "description": "x"})),
        ("mcpbox_create_tool", json!({"wrong": "even before the arguments are read"})),
    ] {
        let refused = call(name, arguments).await;
        let text = refused["content"][0]["text"].as_str().expect("text");
        assert_eq!(refused["isError"], true, "{name}");
        assert!(text.contains("remote_tool_editing"), "{name}: {text}");
    }
    let looked = call("mcpbox_list_servers", json!({})).await;
    assert_eq!(looked["structuredContent"]["total"], 0, "nothing was made, and looking is free");
    let here = door.call("mcpbox_create_server", json!({"name": "here"})).await;
    assert_eq!(here["structuredContent"]["success"], true, "who is local may edit: {here}");

    set(&door, &admin, json!({"remote_tool_editing": "enabled"})).await;
    let made = call("mcpbox_create_server", json!({"name": "weather"})).await;
    assert_eq!(made["structuredContent"]["success"], true, "{made}");
    set(&door, &admin, json!({"remote_tool_editing": "disabled"})).await;
    let refused =
        call("mcpbox_delete_server", json!({"server_id": made["structuredContent"]["id"]}));
    assert_eq!(refused.await["isError"], true);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back_and_others_are_not_held_up() {
    let door = with::open().await;
    let admin = admin(&door).await;
    let (mine, other) = (token(&door, "mine").await, token(&door, "other").await);
    set(&door, &admin, json!({"mcp_rate_limit_rpm": 10})).await;
    let list = || modern("tools/list", json!({}));
    let ask = async |token: &str| door.send(with_token(list(), token)).await;
    for left in (0..10).rev() {
        let response = ask(&mine).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(number(&response, "x-ratelimit-limit"), 10);
        assert!(number(&response, "x-ratelimit-remaining") >= left);
    }
    // Somewhat more comes back while the requests above are made on a busy machine.
    let refused = loop {
        let response = ask(&mine).await;
        if response.status() != StatusCode::OK {
            break response;
        }
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(number(&refused, "x-ratelimit-remaining"), 0);
    assert!((1..=60).contains(&number(&refused, "x-ratelimit-reset")));
    assert!((1..=6).contains(&number(&refused, "retry-after")));
    let (_, problem) = read(refused).await;
    let detail = problem["detail"].as_str().expect("text");
    assert!(detail.contains("more than 10 requests a minute"), "{detail}");
    assert_eq!(ask(&other).await.status(), StatusCode::OK, "another token");
    assert_eq!(door.send(list()).await.status(), StatusCode::OK, "an address");

    set(&door, &admin, json!({"mcp_rate_limit_rpm": 0})).await;
    let free = ask(&mine).await;
    assert_eq!(free.status(), StatusCode::OK, "no limit, at once");
    assert!(free.headers().get("x-ratelimit-limit").is_none());
}

#[tokio::test]
async fn who_guesses_tokens_is_counted_by_address() {
    let door = with::open().await;
    let admin = admin(&door).await;
    set(&door, &admin, json!({"mcp_rate_limit_rpm": 10})).await;
    let mut seen = Vec::new();
    while !seen.contains(&StatusCode::TOO_MANY_REQUESTS) {
        let guess = with_token(modern("tools/list", json!({})), &format!("guess{}", seen.len()));
        seen.push(door.send(guess).await.status());
    }
    assert!(seen.len() > 10 && seen[..10].iter().all(|one| *one == StatusCode::UNAUTHORIZED));
}

/// The answers to a call of a management tool, until one of them is 429.
async fn exhaust(door: &TestDoor, token: &str, name: &str) -> Vec<Response> {
    let mut answers: Vec<Response> = Vec::new();
    while answers.last().is_none_or(|last| last.status() == StatusCode::OK) {
        let call = modern("tools/call", json!({"name": name}));
        answers.push(door.send(with_token(call, token)).await);
    }
    answers
}

#[tokio::test]
async fn who_calls_one_tool_too_often_can_call_others_and_others_can_call_it() {
    let door = with::open().await;
    let admin = admin(&door).await;
    let (mine, other) = (token(&door, "mine").await, token(&door, "other").await);
    set(&door, &admin, json!({"mcp_rate_limit_rpm": 1000, "tool_rate_limit_rpm": 10})).await;
    let (tool, another) = ("mcpbox_list_servers", "mcpbox_list_tools");
    let mut answers = exhaust(&door, &mine, tool).await;
    assert!(answers.len() > 10);
    assert_eq!(number(&answers[0], "x-ratelimit-limit"), 10, "the tighter of the two");
    let refused = answers.pop().expect("a refusal");
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    assert_eq!(number(&refused, "x-ratelimit-limit"), 10);
    assert_eq!(number(&refused, "x-ratelimit-remaining"), 0);
    assert!((1..=60).contains(&number(&refused, "x-ratelimit-reset")));
    assert!((1..=6).contains(&number(&refused, "retry-after")));
    let (_, problem) = read(refused).await;
    let detail = problem["detail"].as_str().expect("text");
    assert!(detail.contains("more than 10 calls of `mcpbox_list_servers` a minute"), "{detail}");

    let call =
        |name: &str, token: &str| with_token(modern("tools/call", json!({"name": name})), token);
    assert_eq!(door.send(call(another, &mine)).await.status(), StatusCode::OK, "another tool");
    assert_eq!(door.send(call(tool, &other)).await.status(), StatusCode::OK, "another token");
    let here = modern("tools/call", json!({"name": tool}));
    assert_eq!(door.send(here).await.status(), StatusCode::OK, "an address");
    let list = door.send(with_token(modern("tools/list", json!({})), &mine)).await;
    assert_eq!((list.status(), number(&list, "x-ratelimit-limit")), (StatusCode::OK, 1000));

    set(&door, &admin, json!({"tool_rate_limit_rpm": 0})).await;
    assert_eq!(door.send(call(tool, &mine)).await.status(), StatusCode::OK, "no limit, at once");
}

#[tokio::test]
async fn names_of_nothing_are_not_counted() {
    let door = with::open().await;
    let admin = admin(&door).await;
    set(&door, &admin, json!({"mcp_rate_limit_rpm": 0, "tool_rate_limit_rpm": 10})).await;
    for (method, params) in [
        ("tools/call", json!({"name": "mcpbox_no_such"})),
        ("tools/call", json!({"name": "no__such"})),
        ("prompts/get", json!({"name": "no__such"})),
        ("resources/read", json!({"uri": "no://such"})),
    ] {
        for _ in 0..15 {
            let response = door.send(modern(method, params.clone())).await;
            assert_eq!(response.status(), StatusCode::OK, "{method} {params}");
            assert!(response.headers().get("x-ratelimit-limit").is_none());
        }
    }
}

#[tokio::test]
async fn each_message_of_a_batch_is_counted_and_the_ones_too_many_are_refused() {
    let door = with::open().await;
    let admin = admin(&door).await;
    let mut hello = initialize();
    hello["params"]["protocolVersion"] = json!("2025-03-26");
    let session = session_of(&door.send(legacy(None, &hello)).await);
    let batch = |name: &str, count: usize| {
        let message = |id: usize| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name}});
        let mut request = legacy(Some(&session), &(0..count).map(message).collect());
        request.headers_mut().remove("mcp-protocol-version");
        request
    };
    let refusals = async |name: &str, count: usize| {
        let (status, answers) = read(door.send(batch(name, count)).await).await;
        assert_eq!(status, StatusCode::OK);
        let answers = answers.as_array().expect("a list").clone();
        let texts = answers.iter().filter_map(|one| one["error"]["message"].as_str());
        (answers.len(), texts.map(str::to_owned).collect::<Vec<_>>())
    };
    set(&door, &admin, json!({"mcp_rate_limit_rpm": 0, "tool_rate_limit_rpm": 20})).await;
    let (answered, refused) = refusals("mcpbox_list_servers", 50).await;
    assert_eq!(answered, 50);
    assert!((1..=30).contains(&refused.len()), "{refused:?}");
    assert!(refused[0].contains("more than 20 calls of `mcpbox_list_servers`"), "{refused:?}");
    assert_eq!(refusals("mcpbox_list_tools", 15).await, (15, Vec::new()), "another tool");

    set(&door, &admin, json!({"mcp_rate_limit_rpm": 20, "tool_rate_limit_rpm": 0})).await;
    let (_, refused) = refusals("mcpbox_list_servers", 50).await;
    assert!((1..=30).contains(&refused.len()), "{refused:?}");
    assert!(refused[0].contains("more than 20 requests a minute"), "{refused:?}");
}
