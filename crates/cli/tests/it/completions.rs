//! `completion/complete` in both eras: what can be put for the arguments of prompts and the variables of templates.

use serde_json::{Value, json};
use testkit::http::Api;

use crate::client::Client;
use crate::database::Database;
use crate::exchange::{ask, response};
use crate::wire::Session;

const PROMPT: &str = "
from enum import Enum
from typing import Literal

class Tone(Enum):
    FRIENDLY = 'friendly'
    FORMAL = 'formal'
    BRIEF = 'brief'

async def main(topic: str, tone: Tone, size: Literal['small', 'large'] = 'small'):
    return topic
";

const NOTE: &str = "
from typing import Literal

async def main(day: Literal['monday', 'tuesday', 'moonday'], line: str):
    return day
";

#[test]
fn both_eras_are_told_what_can_be_put_for_an_argument_and_a_variable() {
    let database = Database::sqlite();
    let program = database.serve();
    let door = &program.mcp;
    let mut model = Client::connect(door, "auto");
    let api = Api::sign_in(&program.admin);
    let server = model.ok("mcpbox_create_server", &json!({"name": "notes"}));
    for new in [
        json!({"name": "ask", "kind": "prompt", "python_code": PROMPT}),
        json!({
            "name": "note", "kind": "resource", "uri": "notes://{day}/lines/{line}",
            "python_code": NOTE,
        }),
    ] {
        let mut new = new;
        new["server_id"] = server["id"].clone();
        let tool = model.ok("mcpbox_create_tool", &new);
        model.ok("mcpbox_request_publish", &json!({"tool_id": tool["id"]}));
        api.approve(tool["id"].as_str().expect("an id"));
    }
    let session = Session::open(door, &json!({}), None);
    let prompt = json!({"type": "ref/prompt", "name": "notes__ask"});
    let template = json!({"type": "ref/resource", "uri": "notes://{day}/lines/{line}"});
    for (reference, argument, so_far, expected) in [
        (&prompt, "tone", "", json!(["friendly", "formal", "brief"])),
        (&prompt, "tone", "f", json!(["friendly", "formal"])),
        (&prompt, "size", "LA", json!(["large"])),
        (&prompt, "topic", "b", json!([])),
        (&template, "day", "mo", json!(["monday", "moonday"])),
        (&template, "line", "", json!([])),
    ] {
        let params = json!({"ref": reference, "argument": {"name": argument, "value": so_far}});
        for told in both(door, &session, &params) {
            let completion = &told["result"]["completion"];
            assert_eq!(completion["values"], expected, "{params}: {told}");
            assert_eq!(completion["hasMore"], json!(false), "{told}");
        }
    }
    for (reference, argument) in [
        (json!({"type": "ref/prompt", "name": "notes__none"}), "tone"),
        (json!({"type": "ref/resource", "uri": "notes://{none}"}), "day"),
        (prompt, "none"),
        (json!({"type": "ref/tool", "name": "notes__ask"}), "tone"),
    ] {
        let params = json!({"ref": reference, "argument": {"name": argument, "value": ""}});
        for told in both(door, &session, &params) {
            assert!(told["error"]["code"].is_i64(), "{params}: {told}");
        }
    }
}

/// What a request that stands alone is answered, and one of a session.
fn both(door: &str, session: &Session, params: &Value) -> [Value; 2] {
    let method = "completion/complete";
    [ask(door, method, params, &[]), session.ask(method, params)].map(|answer| response(&answer))
}
