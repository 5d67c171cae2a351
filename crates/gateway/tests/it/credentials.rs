//! Tokens: who is let in, what each may see, and whose a session is.

use app::tokens::{self, New};
use http::StatusCode;
use serde_json::{Value, json};

use crate::with::{self, TestDoor, initialize, legacy, modern, read, session_of, with_token};

async fn token(door: &TestDoor, name: &str, call: bool, author: bool) -> String {
    let new = New { name: name.to_owned(), call, author, expires_in_days: None };
    let (_, value) = tokens::create_by(&door.app, "tester", new).await.expect("a token");
    value
}

fn names(answer: &Value) -> Vec<&str> {
    let tools = answer["result"]["tools"].as_array().expect("a list");
    tools.iter().filter_map(|tool| tool["name"].as_str()).collect()
}

#[tokio::test]
async fn a_guarded_door_wants_a_good_token() {
    let door = with::guarded().await;
    let response = door.send(modern("tools/list", json!({}))).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let challenge = response.headers().get("www-authenticate").expect("a challenge");
    assert!(challenge.to_str().expect("text").starts_with("Bearer"));
    let good = token(&door, "laptop", true, true).await;
    let response = door.send(with_token(modern("tools/list", json!({})), &good)).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_or_revoked_token_is_refused_even_on_an_open_door() {
    let door = with::open().await;
    let list = || modern("tools/list", json!({}));
    assert_eq!(door.send(list()).await.status(), StatusCode::OK);
    let wrong = door.send(with_token(list(), "mcpbox_wrong")).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let good = token(&door, "laptop", true, true).await;
    assert_eq!(door.send(with_token(list(), &good)).await.status(), StatusCode::OK);
    let all = tokens::list(&door.app).await.expect("a list");
    tokens::revoke_by(&door.app, "tester", all[0].id).await.expect("revoked");
    let revoked = door.send(with_token(list(), &good)).await;
    assert_eq!(revoked.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_the_author_scope_the_management_tools_do_not_exist() {
    let door = with::guarded().await;
    let caller = token(&door, "caller", true, false).await;
    let author = token(&door, "author", true, true).await;
    let call = || modern("tools/call", json!({"name": "mcpbox_list_servers", "arguments": {}}));

    let (_, listed) =
        read(door.send(with_token(modern("tools/list", json!({})), &caller)).await).await;
    assert_eq!(names(&listed), Vec::<&str>::new());
    let (_, refused) = read(door.send(with_token(call(), &caller)).await).await;
    assert_eq!(refused["error"]["code"], -32602);
    let text = refused["error"]["message"].as_str().expect("text");
    assert!(text.contains("`author` scope"), "{text}");

    let (_, listed) =
        read(door.send(with_token(modern("tools/list", json!({})), &author)).await).await;
    assert!(names(&listed).contains(&"mcpbox_list_servers"));
    let (_, answered) = read(door.send(with_token(call(), &author)).await).await;
    assert_eq!(answered["result"]["structuredContent"]["total"], 0);
}

#[tokio::test]
async fn a_session_is_its_owners_alone() {
    let door = with::guarded().await;
    let mine = token(&door, "mine", true, true).await;
    let another = token(&door, "another", true, true).await;
    let opened = door.send(with_token(legacy(None, &initialize()), &mine)).await;
    let session = session_of(&opened);
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});

    let request = with_token(legacy(Some(&session), &ready), &mine);
    assert_eq!(door.send(request).await.status(), StatusCode::ACCEPTED);
    let request = with_token(legacy(Some(&session), &ping), &another);
    assert_eq!(door.send(request).await.status(), StatusCode::NOT_FOUND);
    let (status, pong) =
        read(door.send(with_token(legacy(Some(&session), &ping), &mine)).await).await;
    assert_eq!((status, &pong["result"]), (StatusCode::OK, &json!({})));
}
