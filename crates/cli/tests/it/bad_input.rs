//! Every bad input of a model or a stranger gets an error that says what to do, and the next call works.

use serde_json::{Value, json};

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;
use testkit::http::{Api, send};
use testkit::program::Program;

const JSON: [(&str, &str); 2] =
    [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];

fn start() -> (Database, Program, Client) {
    let database = Database::sqlite();
    let program = database.serve();
    let model = Client::connect(&program.mcp, "auto");
    (database, program, model)
}

#[test]
fn what_is_not_json_gets_a_parse_error_and_the_next_request_works() {
    let (_database, program, mut model) = start();
    for body in ["{not json", "", "\u{0}"] {
        let answer = send(&program.mcp, "POST", "/mcp", &JSON, body);
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.json()["error"]["code"], json!(-32700), "{answer:?}");
    }
    let huge = format!("\"{}\"", "x".repeat(5 << 20));
    assert_eq!(send(&program.mcp, "POST", "/mcp", &JSON, &huge).status, 413);
    assert!(!model.tools().is_empty());
}

#[test]
fn unknown_tools_and_wrong_arguments_say_how_to_mend_the_call() {
    let (_database, _program, mut model) = start();
    for (name, arguments, parts) in [
        ("weather__today", json!({}), vec!["weather__today"]),
        ("mcpbox_frobnicate", json!({}), vec!["mcpbox_frobnicate"]),
        ("mcpbox_create_server", json!({}), vec!["name"]),
        ("mcpbox_create_server", json!({"name": 3}), vec!["name", "string"]),
        ("mcpbox_create_server", json!({"name": "Bad Name"}), vec!["lower-case"]),
        ("mcpbox_create_server", json!({"name": "a", "colour": 1}), vec!["colour"]),
        ("mcpbox_get_tool", json!({"tool_id": "x"}), vec!["tool_id"]),
        (
            "mcpbox_get_tool",
            json!({"tool_id": "01890000-0000-7000-8000-000000000000"}),
            vec!["not found"],
        ),
    ] {
        let text = model.fails(name, &arguments);
        assert!(parts.iter().all(|part| text.contains(part)), "{name} {arguments}: {text}");
    }
    model.ok("mcpbox_create_server", &json!({"name": "a"}));
    let twice = model.fails("mcpbox_create_server", &json!({"name": "a"}));
    assert!(twice.contains("exists"), "{twice}");
}

#[test]
fn source_that_cannot_become_a_tool_is_refused_with_its_place() {
    let (_database, _program, mut model) = start();
    let server = model.ok("mcpbox_create_server", &json!({"name": "a"}));
    let mut create = |code: &str| {
        let new = json!({"server_id": server["id"], "name": "t", "python_code": code});
        model.fails("mcpbox_create_tool", &new)
    };
    let syntax = create("async def main():\n    return 1 +* 2\n");
    assert!(syntax.contains("line 2") && syntax.contains("column"), "{syntax}");
    for code in [
        "x = 1\n",
        "def main():\n    return 1\n",
        "class A:\n    async def main(self):\n        pass\n",
    ] {
        let text = create(code);
        assert!(text.contains("async def main"), "{text}");
    }
    let long = format!("async def main():\n    return 1\n#{}", "x".repeat(101_000));
    let text = create(&long);
    assert!(text.contains("100000"), "{text}");
    let valid = model.ok("mcpbox_validate_code", &json!({"code": "async def main(:\n"}));
    assert_eq!(valid["valid"], json!(false));
    assert_eq!((&valid["line"], &valid["column"]), (&json!(1), &json!(16)), "{valid}");
}

/// Source, and what the error must contain.
const HOSTILE: &[(&str, &str, &[&str])] = &[
    (
        "endless",
        "async def main():\n    while True:\n        try:\n            pass\n        except BaseException:\n            pass\n",
        &["1 s", "time"],
    ),
    (
        "memory",
        "async def main():\n    hoard = []\n    while True:\n        hoard.append(bytearray(10_000_000))\n",
        &["256 MB", "memory"],
    ),
    (
        "recursion",
        "async def main():\n    def deeper(n):\n        return deeper(n + 1)\n    return deeper(0)\n",
        &["RecursionError"],
    ),
    ("exit", "import asyncio\nasync def main():\n    raise SystemExit(3)\n", &["exit"]),
    (
        "evil_text",
        "class Evil(Exception):\n    def __str__(self):\n        raise ValueError('no text')\n\nasync def main():\n    raise Evil()\n",
        &["Evil"],
    ),
    ("huge_result", "async def main():\n    return 'x' * 40_000_000\n", &["33,554,432", "result"]),
    ("no_json", "async def main():\n    return object()\n", &["object", "JSON"]),
    (
        "waits_for_ever",
        "import asyncio\nasync def main():\n    await asyncio.Future()\n",
        &["ever"],
    ),
];

#[test]
fn hostile_tools_are_stopped_and_the_next_call_works() {
    let (_database, program, mut model) = start();
    let api = Api::sign_in(&program.admin);
    publish(&mut model, &api, "calm", "fine", "async def main() -> int:\n    return 5\n");
    let server = model.ok("mcpbox_create_server", &json!({"name": "hostile"}));
    for (name, code, parts) in HOSTILE {
        let new = json!({"server_id": server["id"], "name": name, "python_code": code, "timeout_ms": 10_000});
        let new = if *name == "endless" { with(new, "timeout_ms", json!(1000)) } else { new };
        let tool = model.ok("mcpbox_create_tool", &new);
        let text = model.fails("mcpbox_test_code", &json!({"tool_id": tool["id"]}));
        let missing = parts.iter().find(|part| !text.to_lowercase().contains(&part.to_lowercase()));
        assert!(missing.is_none(), "{name}: {missing:?} in {text}");
        assert_eq!(model.ok("calm__fine", &json!({}))["result"], json!(5), "after {name}");
    }
}

#[test]
fn ten_megabytes_of_output_are_cut_and_said_to_be() {
    let (_database, program, mut model) = start();
    let api = Api::sign_in(&program.admin);
    let code = "async def main() -> str:\n    for _ in range(100):\n        print('y' * 100_000)\n    return 'done'\n";
    let id = publish(&mut model, &api, "loud", "shout", code);
    assert_eq!(model.ok("loud__shout", &json!({}))["result"], "done");
    let tested = model.ok("mcpbox_test_code", &json!({"tool_id": id}));
    let stdout = tested["stdout"].as_str().expect("text");
    assert!(stdout.len() < 12_000, "test_code returns 10 KB: {}", stdout.len());
    let logged = api.ok("GET", &format!("/api/tools/{id}/logs"), &Value::Null);
    let kept = logged["items"][0]["stdout"].as_str().map_or(0, str::len);
    assert!(kept <= 1_100_000, "1 MB is kept at most: {kept}");
}

#[test]
fn one_long_line_of_output_is_kept_whole_up_to_the_limit() {
    let (_database, program, mut model) = start();
    let api = Api::sign_in(&program.admin);
    let code = "async def main(n: int) -> None:\n    print('z' * n)\n";
    let id = publish(&mut model, &api, "long", "line", code);
    for (printed, kept) in [(900_000, 900_001), (10_000_000, 1 << 20)] {
        model.ok("long__line", &json!({"n": printed}));
        let logged = api.ok("GET", &format!("/api/tools/{id}/logs"), &Value::Null);
        let stdout = logged["items"][0]["stdout"].as_str().expect("text");
        let (line, note) = stdout.split_at(kept);
        assert!(line.trim_end().bytes().all(|byte| byte == b'z'), "{kept} bytes are the tool's");
        assert_eq!(note.is_empty(), printed < kept, "{note}");
        assert!(note.is_empty() || note.contains("more than 1048576 bytes were printed"), "{note}");
    }
}

fn with(mut value: Value, key: &str, field: Value) -> Value {
    value[key] = field;
    value
}
