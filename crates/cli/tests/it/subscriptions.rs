//! What clients that listen hear of the sources of tools, in both eras of the protocol.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::http::Api;

use crate::client::Client;
use crate::database::Database;
use crate::exchange::{ask, response};
use crate::wire::{Session, Stream};

const LISTS: &str = "notifications/resources/list_changed";
const UPDATED: &str = "notifications/resources/updated";
const SOURCE: &str = "mcpbox://tools/notes/day/source";
const LIVE: &str = "mcpbox://tools/notes/day/source?version=live";
const CODE: &str = "async def main() -> int:\n    return 1\n";

fn subscribe(session: &Session, uri: &str) -> Value {
    response(&session.ask("resources/subscribe", &json!({"uri": uri})))
}

#[test]
fn authors_hear_of_the_sources_of_tools() {
    let database = Database::sqlite();
    let program = database.serve();
    let (door, api) = (&program.mcp, Api::sign_in(&program.admin));
    let mut model = Client::connect(door, "auto");
    let server = model.ok("mcpbox_create_server", &json!({"name": "notes"}));
    let session = Session::open(door, &json!({}), None);
    let mut lists = Stream::listen(door, &json!({"resourcesListChanged": true}), None);
    lists.acknowledged();
    let mut heard = session.stream();

    let new = json!({"server_id": server["id"], "name": "day", "python_code": CODE});
    let id = model.ok("mcpbox_create_tool", &new)["id"].clone();
    assert_eq!(lists.next()["method"], LISTS);
    assert_eq!(heard.next()["method"], LISTS, "and of nothing before it");

    let uris = [SOURCE, LIVE, "mcpbox://tools/notes/none/source", "test://none"];
    let mut source = Stream::listen(door, &json!({"resourceSubscriptions": uris}), None);
    assert_eq!(source.acknowledged(), json!({"resourceSubscriptions": [SOURCE, LIVE]}));
    for uri in [SOURCE, LIVE] {
        assert_eq!(subscribe(&session, uri)["result"], json!({}), "{uri}");
    }
    for uri in ["mcpbox://tools/notes/none/source", "test://none", "mcpbox://artifacts/1"] {
        let refused = subscribe(&session, uri);
        // As `resources/read` answers it in the revisions with sessions.
        assert!(refused["error"]["code"].is_i64(), "{uri}: {refused}");
        assert_eq!(refused["error"]["data"]["uri"].as_str().unwrap_or(uri), uri, "{refused}");
    }

    let other = CODE.replace('1', "2");
    model.ok("mcpbox_update_tool", &json!({"tool_id": id, "python_code": other}));
    for stream in [&mut source, &mut heard] {
        stream.hears(UPDATED, Some(SOURCE));
    }
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    api.approve(id.as_str().expect("an id"));
    for stream in [&mut source, &mut heard] {
        stream.hears(UPDATED, Some(LIVE));
    }
    model.ok("mcpbox_delete_tool", &json!({"tool_id": id}));
    for stream in [&mut lists, &mut heard] {
        stream.hears(LISTS, None);
    }
}

#[test]
fn others_hear_nothing_of_sources_and_are_told_what_their_token_lacks() {
    let database = Database::sqlite();
    let program = database.serve();
    let (door, api) = (&program.mcp, Api::sign_in(&program.admin));
    let made = api.ok("POST", "/api/tokens", &json!({"name": "phone", "scopes": ["call"]}));
    let token = made["token"].as_str().expect("the token, this once");
    let mut model = Client::connect(door, "auto");
    let server = model.ok("mcpbox_create_server", &json!({"name": "notes"}));
    let filter = json!({"toolsListChanged": true, "resourcesListChanged": true});
    let mut lists = Stream::listen(door, &filter, Some(token));
    lists.acknowledged();
    let new = json!({"server_id": server["id"], "name": "day", "python_code": CODE});
    let id = model.ok("mcpbox_create_tool", &new)["id"].clone();

    let wishes = json!({"resourceSubscriptions": [SOURCE]});
    let mut source = Stream::listen(door, &wishes, Some(token));
    assert_eq!(source.acknowledged(), json!({}));
    let bearer = format!("Bearer {token}");
    let bearer = [("Authorization", bearer.as_str())];
    let refused = response(&ask(door, "resources/read", &json!({"uri": SOURCE}), &bearer));
    let text = refused["error"]["message"].as_str().expect("a text");
    assert!(text.contains("no `author` scope") && !text.contains("expired"), "{text}");
    let read = response(&ask(door, "resources/read", &json!({"uri": SOURCE}), &[]));
    assert_eq!(read["result"]["contents"][0]["text"], CODE, "{read}");

    // Time for the change to be heard of alone, before the next.
    std::thread::sleep(Duration::from_secs(1));
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    api.approve(id.as_str().expect("an id"));
    assert_eq!(lists.next()["method"], "notifications/tools/list_changed", "and nothing before");
}
