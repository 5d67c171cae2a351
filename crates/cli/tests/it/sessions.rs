//! One session, the same through every client that people have: what a client lists, calls, hears and answers.

mod inspector;
mod rmcp_peer;

use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::http::Api;
use testkit::program::Program;

use crate::client::{Client, node, python, script};
use crate::database::Database;
use crate::whole_loop::publish;

const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";

/// The tools of the session, all on the server `session`.
const TOOLS: [(&str, &str); 6] = [
    (
        "add",
        "async def main(left: int, right: int) -> dict[str, int]:\n    \"\"\"Add.\"\"\"\n    return {'sum': left + right}\n",
    ),
    ("fail", "async def main():\n    \"\"\"Fail.\"\"\"\n    raise RuntimeError('it was to be')\n"),
    (
        "picture",
        "import base64\n\nasync def main():\n    \"\"\"Show.\"\"\"\n    return base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC')\n",
    ),
    ("greet", GREET),
    ("count", COUNT),
    ("wait", WAIT),
];

const GREET: &str = r#"
NAME = {
    "type": "object",
    "properties": {"name": {"type": "string", "title": "Name", "default": "Ada"}},
    "required": ["name"],
}


async def main() -> str:
    """Greet whoever is there."""
    answer = await ctx.elicit("Who is there?", NAME)
    if answer.action != "accept":
        return f"Nobody: {answer.action}."
    return f"Hello, {answer.content['name']}!"
"#;

/// Longer than the clients in JavaScript are made to wait in silence.
const COUNT: &str = r#"
import asyncio


async def main() -> str:
    """Count to nine, a second each."""
    for number in range(1, 10):
        await ctx.progress(number, 9, f"at {number}")
        await asyncio.sleep(1)
    return "nine"
"#;

const WAIT: &str = r#"
import asyncio


async def main() -> str:
    """Wait for longer than anybody does."""
    await asyncio.sleep(100)
    return "nobody heard this"
"#;

#[test]
fn the_python_client_has_a_session_without_sessions() {
    plays(|url| Client::connect(url, "auto"), MODERN);
}

#[test]
fn the_python_client_has_a_legacy_session() {
    plays(|url| Client::connect(url, "legacy"), LEGACY);
}

#[test]
fn fastmcp_has_a_session() {
    let start = |url: &str| {
        let mut python = Command::new(python());
        Client::start(python.arg(script("fastmcp_client.py")).args([url, "auto"]))
    };
    plays(start, MODERN);
}

#[test]
fn the_javascript_client_has_a_session_without_sessions() {
    plays(|url| javascript("client.mjs", &[url, "auto"]), MODERN);
}

#[test]
fn the_javascript_client_has_a_legacy_session() {
    plays(|url| javascript("client.mjs", &[url, "legacy"]), LEGACY);
}

#[test]
fn the_former_javascript_client_has_a_session() {
    plays(|url| javascript("sdk.mjs", &[url]), LEGACY);
}

#[test]
fn the_rust_client_has_a_session_without_sessions() {
    plays(|url| rmcp_peer::connect(url, "auto"), MODERN);
}

#[test]
fn the_rust_client_has_a_legacy_session() {
    plays(|url| rmcp_peer::connect(url, "legacy"), LEGACY);
}

fn javascript(name: &str, arguments: &[&str]) -> Client {
    Client::start(node().arg(script(name)).args(arguments))
}

/// A running program with the tools of the session, and who made them.
struct Stage {
    _database: Database,
    program: Program,
    author: Client,
    person: Api,
    /// The id of the tool that is called and not waited for.
    wait: String,
}

impl Stage {
    fn new() -> Self {
        let database = Database::sqlite();
        let program = database.serve();
        let mut author = Client::connect(&program.mcp, "auto");
        let person = Api::sign_in(&program.admin);
        let mut wait = String::new();
        for (name, code) in TOOLS {
            wait = publish(&mut author, &person, "session", name, code);
        }
        author.ok("mcpbox_update_tool", &json!({"tool_id": wait, "timeout_ms": 120_000}));
        author.ok("mcpbox_request_publish", &json!({"tool_id": wait}));
        person.approve(&wait);
        Self { _database: database, program, author, person, wait }
    }

    /// Waits until the log has the call that nobody waits for, and returns its row.
    fn abandoned(&mut self) -> Value {
        let began = Instant::now();
        loop {
            let logs = self.author.ok("mcpbox_get_tool_logs", &json!({"tool_id": self.wait}));
            if let Some(row) = logs["logs"].as_array().and_then(|rows| rows.first()) {
                return row.clone();
            }
            assert!(began.elapsed() < Duration::from_mins(1), "the call is not logged");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Plays the session with a client, which has to agree on `protocol`.
fn plays(connect: impl Fn(&str) -> Client, protocol: &str) {
    let mut stage = Stage::new();
    let mut client = connect(&stage.program.mcp);
    assert_eq!(client.protocol, protocol);
    lists_and_calls(&mut client);
    hears_of_a_new_tool(&mut client, &mut stage);
    answers_what_a_tool_asks(&mut client);
    outlasts_a_long_call(&mut client);
    cancels(&mut client, &mut stage);
}

fn lists_and_calls(client: &mut Client) {
    let tool = client.tool("session__add");
    assert_eq!(tool["description"], "Add.", "{tool}");
    assert_eq!(tool["inputSchema"]["required"], json!(["left", "right"]), "{tool}");

    let sum = client.call("session__add", &json!({"left": 2, "right": 3}));
    assert_eq!(sum["structuredContent"], json!({"sum": 5}), "{sum}");
    assert_ne!(sum["isError"], json!(true), "{sum}");

    let failed = client.call("session__fail", &json!({}));
    assert_eq!(failed["isError"], json!(true), "{failed}");
    assert!(text(&failed).contains("it was to be"), "{failed}");

    let picture = client.call("session__picture", &json!({}));
    let image = picture["content"].as_array().into_iter().flatten().find(|b| b["type"] == "image");
    let image = image.unwrap_or_else(|| panic!("an image: {picture}"));
    assert_eq!(image["mimeType"], "image/png", "{picture}");
    let bytes = STANDARD.decode(image["data"].as_str().expect("data")).expect("base64");
    assert!(bytes.starts_with(b"\x89PNG"), "{picture}");

    // A name that is no tool's is an error of the protocol, which the client tells as its own.
    let unknown = client.fails("session__nothing", &json!({}));
    assert!(unknown.contains("session__nothing"), "{unknown}");
}

fn hears_of_a_new_tool(client: &mut Client, stage: &mut Stage) {
    assert!(!client.tools().contains(&"session__late".to_owned()));
    let before = client.changes();
    let code = "async def main() -> str:\n    return 'late'\n";
    publish(&mut stage.author, &stage.person, "session", "late", code);
    client.wait_for_change(before);
    assert!(client.tools().contains(&"session__late".to_owned()));
    let late = client.call("session__late", &json!({}));
    assert_eq!(text(&late), "late", "{late}");
}

fn answers_what_a_tool_asks(client: &mut Client) {
    for (answer, said) in [
        (json!({"action": "accept", "content": {"name": "Grace"}}), "Hello, Grace!"),
        (json!({"action": "decline"}), "Nobody: decline."),
        (json!({"action": "cancel"}), "Nobody: cancel."),
    ] {
        client.ask(&json!({"do": "answer", "answer": answer}));
        let greeting = client.call("session__greet", &json!({}));
        assert_eq!(text(&greeting), said, "{greeting}");
    }
    let heard = client.ask(&json!({"do": "heard"}));
    let questions = heard["questions"].as_array().expect("a list");
    assert_eq!(questions.len(), 3, "each is asked once: {heard}");
    for question in questions {
        assert_eq!(question["message"], "Who is there?", "{question}");
        let name = &question["requestedSchema"]["properties"]["name"];
        assert_eq!(name["default"], "Ada", "{question}");
        assert_eq!(name["title"], "Name", "{question}");
    }
}

fn outlasts_a_long_call(client: &mut Client) {
    let before = client.ask(&json!({"do": "heard"}))["progress"].as_u64().expect("a number");
    let counted = client.call("session__count", &json!({}));
    assert_eq!(text(&counted), "nine", "{counted}");
    let after = client.ask(&json!({"do": "heard"}))["progress"].as_u64().expect("a number");
    assert!(after > before, "it is told how far the call is");
}

fn cancels(client: &mut Client, stage: &mut Stage) {
    client.ask(&json!({"do": "begin", "name": "session__wait"}));
    std::thread::sleep(Duration::from_millis(500));
    let cancelled = client.ask(&json!({"do": "cancel"}));
    assert_eq!(cancelled["cancelled"], json!(true), "{cancelled}");
    is_cancelled(&stage.abandoned());
    let sum = client.call("session__add", &json!({"left": 1, "right": 1}));
    assert_eq!(sum["structuredContent"], json!({"sum": 2}), "the client goes on: {sum}");
}

/// The row says that the call did not end by itself.
fn is_cancelled(row: &Value) {
    assert_eq!(row["success"], json!(false), "{row}");
    assert_eq!(row["error_kind"], "cancelled", "{row}");
}

/// The text of a result that is one.
fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("a text: {result}"))
}
