//! Resources of a caller for whom nothing was kept.

use serde_json::{Value, json};

use crate::with;

#[tokio::test]
async fn resources_are_declared_listed_and_described() {
    let door = with::open().await;
    let discovered = door.ask("server/discover", json!({})).await;
    assert!(discovered["result"]["capabilities"]["resources"].is_object(), "{discovered}");
    let listed = door.ask("resources/list", json!({})).await;
    assert_eq!(listed["result"]["resources"], json!([]));
    assert_eq!(listed["result"]["cacheScope"], "private");
    let templates = door.ask("resources/templates/list", json!({})).await;
    let template = &templates["result"]["resourceTemplates"][0];
    assert_eq!(template["uriTemplate"], "mcpbox://artifacts/{id}{?offset,length}", "{templates}");
}

#[tokio::test]
async fn what_cannot_be_read_is_told_apart() {
    let door = with::open().await;
    let id = "0b0e7a4e-3c52-4d2c-9c58-6a8b3ad8f7a1";
    for (uri, code) in [
        (format!("mcpbox://artifacts/{id}"), -32002),
        ("mcpbox://artifacts/1".to_owned(), -32002),
        ("file:///etc/passwd".to_owned(), -32002),
        (format!("mcpbox://artifacts/{id}?offset=x"), -32602),
    ] {
        let request = with::modern("resources/read", json!({ "uri": uri }));
        let answer = with::read(door.send(request).await).await.1;
        assert_eq!(answer["error"]["code"], json!(code), "{uri}: {answer}");
    }
    let cursor = door.ask("resources/list", json!({ "cursor": "x" })).await;
    assert_eq!(cursor["error"]["code"], json!(-32602), "{cursor}");
    assert_eq!(cursor["result"], Value::Null);
}
