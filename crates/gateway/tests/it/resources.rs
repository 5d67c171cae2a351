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
    for (uri, text) in [
        (format!("mcpbox://artifacts/{id}"), "not found"),
        ("mcpbox://artifacts/1".to_owned(), ""),
        ("file:///etc/passwd".to_owned(), ""),
        (format!("mcpbox://artifacts/{id}?offset=x"), "offset"),
    ] {
        let request = with::modern("resources/read", json!({ "uri": uri }));
        let answer = with::read(door.send(request).await).await.1;
        // This revision of the protocol has one code for all that is wrong with a request.
        assert_eq!(answer["error"]["code"], json!(-32602), "{uri}: {answer}");
        let message = answer["error"]["message"].as_str().expect("a text");
        assert!(message.contains(text), "{uri}: {answer}");
    }
    let cursor = door.ask("resources/list", json!({ "cursor": "x" })).await;
    assert_eq!(cursor["error"]["code"], json!(-32602), "{cursor}");
    assert_eq!(cursor["result"], Value::Null);
}
