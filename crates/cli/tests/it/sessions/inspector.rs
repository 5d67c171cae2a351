//! The session through the inspector's command line, which is started anew for each step and asks nobody.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Stage, is_cancelled, text};
use crate::client::node;
use crate::whole_loop::publish;

/// How the inspector ends after a result that is an error.
const TOOL_FAILED: i32 = 5;

#[test]
fn the_inspector_works_without_sessions() {
    plays("modern");
}

#[test]
fn the_inspector_works_with_legacy_sessions() {
    plays("legacy");
}

fn plays(era: &str) {
    let mut stage = Stage::new();
    let url = stage.program.mcp.clone();
    let home = tempfile::tempdir().expect("a directory");
    let inspector = Inspector { url: &url, era, home: home.path() };

    let (listed, code) = inspector.answers(&["--method", "tools/list", "--strict"]);
    assert_eq!(code, 0, "no tool has a schema that some client would refuse: {listed}");
    assert_eq!(tool(&listed, "session__add")["inputSchema"]["required"], json!(["left", "right"]));
    assert_eq!(tool(&listed, "session__late"), Value::Null);

    let (sum, code) = inspector.calls("session__add", &json!({"left": 2, "right": 3}));
    assert_eq!((&sum["structuredContent"], code), (&json!({"sum": 5}), 0), "{sum}");
    let (failed, code) = inspector.calls("session__fail", &json!({}));
    assert_eq!((&failed["isError"], code), (&json!(true), TOOL_FAILED), "{failed}");
    assert!(text(&failed).contains("it was to be"), "{failed}");
    let (picture, _) = inspector.calls("session__picture", &json!({}));
    let kinds = picture["content"].as_array().into_iter().flatten().map(|block| &block["type"]);
    assert!(kinds.into_iter().any(|kind| kind == "image"), "{picture}");
    let (counted, code) = inspector.calls("session__count", &json!({}));
    assert_eq!((text(&counted), code), ("nine", 0), "{counted}");

    let code = "async def main() -> str:\n    return 'late'\n";
    publish(&mut stage.author, &stage.person, "session", "late", code);
    let (listed, _) = inspector.answers(&["--method", "tools/list"]);
    assert_eq!(tool(&listed, "session__late")["name"], "session__late", "{listed}");

    // Whoever ends the inspector ends its connection. In a session only that is no cancellation: it says so, or
    // nobody comes back for a while.
    let mut hasty = inspector.begins(&["--method", "tools/call", "--tool-name", "session__wait"]);
    std::thread::sleep(Duration::from_secs(10));
    hasty.kill().expect("it can be ended");
    hasty.wait().expect("it ended");
    is_cancelled(&stage.abandoned());
}

/// The tool of a name in a listed answer.
fn tool(listed: &Value, name: &str) -> Value {
    let mut tools = listed["tools"].as_array().into_iter().flatten();
    tools.find(|tool| tool["name"] == name).cloned().unwrap_or_default()
}

struct Inspector<'a> {
    url: &'a str,
    era: &'a str,
    /// Where it may keep what it likes.
    home: &'a Path,
}

impl Inspector<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = node();
        command.arg("node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js");
        command.args(["--cli", self.url, "--transport", "http", "--protocol-era", self.era]);
        command.args(["--format", "json"]).args(arguments);
        command.env("HOME", self.home).stdin(Stdio::null());
        command
    }

    fn begins(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).spawn().expect("the inspector starts")
    }

    /// What it prints, and how it ends.
    fn answers(&self, arguments: &[&str]) -> (Value, i32) {
        let output = self.command(arguments).output().expect("the inspector runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        let answer: Value = serde_json::from_str(&printed)
            .unwrap_or_else(|_| panic!("JSON expected of {arguments:?}: {printed} {said}"));
        let answer = answer.get("result").cloned().unwrap_or(answer);
        (answer, output.status.code().unwrap_or(-1))
    }

    fn calls(&self, name: &str, arguments: &Value) -> (Value, i32) {
        let arguments = arguments.to_string();
        self.answers(&[
            "--method",
            "tools/call",
            "--tool-name",
            name,
            "--tool-args-json",
            &arguments,
        ])
    }
}
