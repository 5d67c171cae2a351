//! Drives a client, which is a process of its own: the official one in Python, or another of `peers`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A connected client.
pub(crate) struct Client {
    child: Option<Child>,
    commands: Box<dyn Write + Send>,
    answers: Box<dyn BufRead + Send>,
    /// The protocol revision that client and server agreed on.
    pub(crate) protocol: String,
}

impl Client {
    /// Connects; `mode` is `legacy`, `auto` or a revision.
    pub(crate) fn connect(url: &str, mode: &str) -> Self {
        Self::connect_with(url, mode, None)
    }

    /// Connects with a bearer token.
    pub(crate) fn connect_with(url: &str, mode: &str, token: Option<&str>) -> Self {
        let mut python = Command::new(python());
        python.env("MCPBOX", testkit::program::binary());
        Self::start(python.arg(script("mcp_client.py")).args([url, mode]).args(token))
    }

    /// Starts a client that obeys lines on its standard input.
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the client starts");
        let commands = child.stdin.take().expect("a pipe");
        let answers = child.stdout.take().expect("a pipe");
        Self::greeted(Some(child), Box::new(commands), Box::new(BufReader::new(answers)))
    }

    /// A client that obeys what is written to `commands`.
    pub(crate) fn greeted(
        child: Option<Child>,
        commands: Box<dyn Write + Send>,
        answers: Box<dyn BufRead + Send>,
    ) -> Self {
        let mut client = Self { child, commands, answers, protocol: String::new() };
        let hello = client.answer();
        hello["protocol"].as_str().expect("a protocol").clone_into(&mut client.protocol);
        client
    }

    /// Connects by `mcpbox stdio`.
    pub(crate) fn connect_by_pipes(url: &str, mode: &str, token: Option<&str>) -> Self {
        Self::connect_with(&format!("stdio+{url}"), mode, token)
    }

    /// Sends a command and returns the answer, which may be `{"error": …}`.
    pub(crate) fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.commands, "{command}").expect("the client reads");
        self.answer()
    }

    /// Calls a tool and returns the whole result.
    pub(crate) fn call(&mut self, name: &str, arguments: &Value) -> Value {
        self.ask(&json!({"do": "call", "name": name, "arguments": arguments}))
    }

    /// Calls a tool that must succeed and returns its structured content.
    pub(crate) fn ok(&mut self, name: &str, arguments: &Value) -> Value {
        let answer = self.call(name, arguments);
        assert_ne!(answer["isError"], json!(true), "{name}: {answer}");
        assert!(answer["structuredContent"].is_object(), "{name}: {answer}");
        answer["structuredContent"].clone()
    }

    /// Calls a tool that must fail and returns the text of the error.
    pub(crate) fn fails(&mut self, name: &str, arguments: &Value) -> String {
        let answer = self.call(name, arguments);
        if let Some(error) = answer["error"].as_str() {
            return error.to_owned();
        }
        assert_eq!(answer["isError"], json!(true), "{name}: {answer}");
        answer["content"][0]["text"].as_str().expect("a text").to_owned()
    }

    /// The names of all listed tools.
    pub(crate) fn tools(&mut self) -> Vec<String> {
        let answer = self.ask(&json!({"do": "list"}));
        let tools = answer["tools"].as_array().unwrap_or_else(|| panic!("a list: {answer}"));
        tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
    }

    /// The listed definition of one tool.
    pub(crate) fn tool(&mut self, name: &str) -> Value {
        let answer = self.ask(&json!({"do": "list"}));
        let tools = answer["tools"].as_array().expect("a list");
        tools.iter().find(|tool| tool["name"] == name).cloned().unwrap_or(Value::Null)
    }

    /// How often the server said that the list changed.
    pub(crate) fn changes(&mut self) -> u64 {
        self.ask(&json!({"do": "changes"}))["changes"].as_u64().expect("a number")
    }

    /// Waits until the server says once more that the list changed.
    pub(crate) fn wait_for_change(&mut self, after: u64) -> u64 {
        let answer = self.ask(&json!({"do": "wait_for_change", "after": after}));
        answer["changes"].as_u64().unwrap_or_else(|| panic!("no notification came: {answer}"))
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the client answers");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the client ended: {line:?}"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _gone = child.kill();
            let _gone = child.wait();
        }
    }
}

/// The Python with the official clients that `cargo xtask test` sets up.
pub(crate) fn python() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = workspace.join("target/dev/bin/python");
    assert!(python.exists(), "{} is missing; run `cargo xtask test`", python.display());
    python
}

/// A script of `peers`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/peers").join(name)
}

/// Node.js with the packages of `dev/node` that `cargo xtask test` sets up.
pub(crate) fn node() -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/node");
    let node = folder.join("node");
    assert!(node.exists(), "{} is missing; run `cargo xtask test`", node.display());
    let mut command = Command::new(node);
    command.current_dir(folder);
    command
}
