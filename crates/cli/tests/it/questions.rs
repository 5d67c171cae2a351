//! What tools ask of clients beside forms: addresses to open and roots, as messages in both eras.

use serde_json::{Value, json};

use crate::exchange::{ask, call, response};
use crate::wire::Session;
use crate::world::World;

const OPEN: &str = "async def main() -> str:
    answer = await ctx.elicit_url('Sign in there.', 'https://pay.example.com/order?id=7')
    return answer.action
";

const ROOTS: &str = "async def main() -> list[str]:
    return [f'{root.name} {root.uri}' for root in await ctx.list_roots()]
";

fn world() -> World {
    let mut world = World::new();
    world.publish("asks", "open", OPEN);
    world.publish("asks", "roots", ROOTS);
    world
}

/// What the client can do, what it is asked and answers, and what becomes of it.
struct Case {
    tool: &'static str,
    able: Value,
    method: &'static str,
    params: Value,
    answer: Value,
    result: Value,
}

fn cases() -> [Case; 2] {
    let root = json!({"uri": "file:///home/ada/notes", "name": "Notes"});
    let params = json!({
        "mode": "url", "message": "Sign in there.", "url": "https://pay.example.com/order?id=7",
    });
    [
        Case {
            tool: "asks__open",
            able: json!({"elicitation": {"url": {}}}),
            method: "elicitation/create",
            params,
            answer: json!({"action": "accept"}),
            result: json!("accept"),
        },
        Case {
            tool: "asks__roots",
            able: json!({"roots": {}}),
            method: "roots/list",
            params: json!({}),
            answer: json!({"roots": [root]}),
            result: json!(["Notes file:///home/ada/notes"]),
        },
    ]
}

/// Fails unless `asked` has all that `expected` has.
fn holds(asked: &Value, expected: &Value) {
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(asked["params"][key], *value, "{key}: {asked}");
    }
}

#[test]
fn a_session_is_asked_by_a_request_of_the_server() {
    let world = world();
    for case in cases() {
        let session = Session::open(&world.program.mcp, &case.able, None);
        let mut stream = session.call(&json!({"name": case.tool, "arguments": {}}));
        let asked = stream.next();
        assert_eq!(asked["method"], case.method, "{asked}");
        holds(&asked, &case.params);
        if case.method == "elicitation/create" {
            assert!(asked["params"]["elicitationId"].is_string(), "{asked}");
        }
        session.answer(&asked, &case.answer);
        let answer = stream.next();
        assert_eq!(answer["result"]["structuredContent"]["result"], case.result, "{answer}");

        // A client that did not say that it can is not asked.
        let session = Session::open(&world.program.mcp, &json!({"elicitation": {}}), None);
        let refused = response(&session.ask("tools/call", &json!({"name": case.tool})));
        assert_eq!(refused["result"]["isError"], json!(true), "{refused}");
        let lacking = if case.method == "roots/list" { "roots" } else { "elicitation.url" };
        assert!(refused["result"]["content"][0]["text"].to_string().contains(lacking), "{refused}");
    }
}

#[test]
fn a_request_that_stands_alone_is_asked_in_its_answer() {
    let world = world();
    let door = &world.program.mcp;
    for case in cases() {
        let able = json!({"io.modelcontextprotocol/clientCapabilities": case.able});
        let asked = response(&call(door, case.tool, &json!({}), &able, &[]));
        assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
        let asked_for = asked["result"]["inputRequests"].as_object().expect("requests");
        let [(key, request)] = asked_for.iter().collect::<Vec<_>>()[..] else {
            panic!("one request: {asked}")
        };
        assert_eq!(request["method"], case.method, "{asked}");
        holds(request, &case.params);
        let params = json!({
            "name": case.tool, "arguments": {}, "_meta": able,
            "requestState": asked["result"]["requestState"], "inputResponses": {key: case.answer},
        });
        let answer = response(&ask(door, "tools/call", &params, &[]));
        assert_eq!(answer["result"]["structuredContent"]["result"], case.result, "{answer}");

        let refused = response(&call(door, case.tool, &json!({}), &json!({}), &[]));
        assert_eq!(refused["error"]["code"], json!(-32021), "{refused}");
    }
}
