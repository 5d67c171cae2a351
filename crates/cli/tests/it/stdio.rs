//! `mcpbox stdio`: what a client that only starts programs gets, in both eras, and when things go wrong.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};
use testkit::http::Api;
use testkit::program::{Program, Start, binary};

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;

const ADD: &str = "async def main(a: int, b: int = 1) -> int:\n    return a + b\n";

const SLOW: &str = "import asyncio

async def main(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return 'slow'
";

/// The bridge, with its pipes in the test's hands.
struct Bridge {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Bridge {
    fn start(url: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .args(["stdio", "--url", url])
            .args(arguments)
            .env_remove("MCPBOX_TOKEN")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the bridge starts");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { input: child.stdin.take(), output, child }
    }

    fn send(&mut self, line: &str) {
        writeln!(self.input.as_mut().expect("it is open"), "{line}").expect("the bridge reads");
    }

    fn request(&mut self, id: &Value, method: &str, params: &Value) {
        let line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.send(&line.to_string());
    }

    fn modern(&mut self, id: &Value, method: &str, mut params: Value) {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        self.request(id, method, &params);
    }

    /// The next message, whatever it is.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the bridge writes");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("one message a line: {line:?}"))
    }

    /// The next response.
    fn response(&mut self) -> Value {
        loop {
            let message = self.next();
            if message.get("method").is_none() {
                return message;
            }
        }
    }

    fn initialize(&mut self) {
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}});
        self.request(&json!("init"), "initialize", &params);
        let response = self.response();
        assert_eq!(response["result"]["protocolVersion"], "2025-11-25", "{response}");
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    }

    /// Closes its input and returns what it still says.
    fn end(mut self) -> Vec<Value> {
        drop(self.input.take());
        let lines: Vec<String> =
            std::io::BufRead::lines(&mut self.output).map(|line| line.expect("text")).collect();
        assert!(self.child.wait().expect("it ends").success());
        lines.iter().map(|line| serde_json::from_str(line).expect("a message")).collect()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

fn program_with(database: &Database, tools: &[(&str, &str)]) -> (Program, Client, Api) {
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    for (name, code) in tools {
        publish(&mut model, &api, "sums", name, code);
    }
    (program, model, api)
}

#[test]
fn the_official_client_lists_calls_and_hears_of_changes_through_pipes_in_both_eras() {
    let database = Database::sqlite();
    let (program, mut author, api) = program_with(&database, &[("add", ADD)]);
    for (mode, name) in [("legacy", "first"), ("auto", "second")] {
        let mut client = Client::connect_by_pipes(&program.mcp, mode, None);
        let expected = if mode == "legacy" { "2025-11-25" } else { "2026-07-28" };
        assert_eq!(client.protocol, expected);
        assert!(client.tools().contains(&"sums__add".to_owned()));
        assert_eq!(client.ok("sums__add", &json!({"a": 2})), json!({"result": 3}));
        assert!(client.fails("sums__none", &json!({})).contains("sums__none"));
        let before = client.changes();
        publish(&mut author, &api, "sums", name, ADD);
        client.wait_for_change(before);
        assert!(client.tools().contains(&format!("sums__{name}")), "{mode}");
    }
}

#[test]
fn requests_do_not_wait_for_one_another_and_those_under_way_are_answered_after_the_end() {
    let database = Database::sqlite();
    let (program, ..) = program_with(&database, &[("add", ADD), ("slow", SLOW)]);
    let call = |name: &str, arguments: Value| json!({"name": name, "arguments": arguments});
    for is_modern in [true, false] {
        let mut bridge = Bridge::start(&program.mcp, &[]);
        if !is_modern {
            bridge.initialize();
        }
        let mut ask = |id: &Value, params: Value| {
            if is_modern {
                bridge.modern(id, "tools/call", params);
            } else {
                bridge.request(id, "tools/call", &params);
            }
        };
        ask(&json!("slow"), call("sums__slow", json!({"seconds": 3})));
        ask(&json!(2), call("sums__add", json!({"a": 1})));
        let first = bridge.response();
        assert_eq!(first["id"], json!(2), "{first}");
        assert_eq!(first["result"]["structuredContent"], json!({"result": 2}), "{first}");
        let rest = bridge.end();
        let slow = rest.iter().find(|message| message["id"] == "slow").expect("an answer");
        assert_eq!(slow["result"]["structuredContent"], json!({"result": "slow"}), "{slow}");
    }
}

#[test]
fn lines_that_are_no_messages_are_answered_and_the_next_ones_are_served() {
    let database = Database::sqlite();
    let (program, ..) = program_with(&database, &[]);
    let mut bridge = Bridge::start(&program.mcp, &[]);
    for (line, code) in
        [("{not json", -32700), ("[]", -32600), ("{\"id\":1}", -32600), ("\u{0}", -32700)]
    {
        bridge.send(line);
        assert_eq!(bridge.response()["error"]["code"], json!(code), "{line}");
    }
    bridge.send("");
    bridge.modern(&json!(7), "tools/list", json!({}));
    let listed = bridge.response();
    assert!(listed["result"]["tools"].is_array() && listed["id"] == json!(7), "{listed}");
    assert!(bridge.end().is_empty());
}

#[test]
fn a_request_that_is_cancelled_is_ended_at_the_server_and_not_answered_in_either_era() {
    let database = Database::sqlite();
    let (program, mut model, api) = program_with(&database, &[("slow", SLOW)]);
    let wait_until = |is_so: &dyn Fn(f64) -> bool| {
        while !is_so(crate::exchange::metric(&api, "mcpbox_calls_running")) {
            thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    for is_modern in [true, false] {
        let mut bridge = Bridge::start(&program.mcp, &[]);
        if !is_modern {
            bridge.initialize();
        }
        let ask = |bridge: &mut Bridge, id: &str, method: &str, params: Value| {
            if is_modern {
                bridge.modern(&json!(id), method, params);
            } else {
                bridge.request(&json!(id), method, &params);
            }
        };
        let slow = json!({"name": "sums__slow", "arguments": {"seconds": 20}});
        ask(&mut bridge, "gone", "tools/call", slow);
        wait_until(&|running| running >= 1.0);
        let note = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": "gone"}});
        bridge.send(&note.to_string());
        wait_until(&|running| running < 1.0);
        ask(&mut bridge, "next", "tools/list", json!({}));
        let answer = bridge.response();
        assert_eq!(answer["id"], "next", "{is_modern}: {answer}");
        let rest = bridge.end();
        assert!(rest.iter().all(|said| said.get("method").is_some()), "{is_modern}: {rest:?}");
    }
    assert!(model.tools().contains(&"sums__slow".to_owned()));
}

#[test]
fn a_server_that_starts_anew_is_found_again_with_its_session() {
    let database = Database::sqlite();
    let (program, model, _) = program_with(&database, &[("add", ADD)]);
    drop(model);
    let address = program.mcp.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
    let url = program.mcp.clone();
    let mut bridge = Bridge::start(&url, &[]);
    bridge.initialize();
    let add = json!({"name": "sums__add", "arguments": {"a": 4}});
    bridge.request(&json!(1), "tools/call", &add);
    assert_eq!(bridge.response()["result"]["structuredContent"], json!({"result": 5}));
    program.kill();
    // Asked while nothing listens.
    bridge.request(&json!(2), "tools/call", &add);
    let data_dir = database.data_dir();
    let arguments = ["--mcp-listen", &address];
    let start =
        Start { command: "serve", data_dir: &data_dir, database_url: None, arguments: &arguments };
    let _program = start.run();
    let mut answer = bridge.response();
    if answer["error"]["message"].as_str().is_some_and(|text| text.contains("mcpbox serve")) {
        // The start took longer than the bridge waits.
        bridge.request(&json!(2), "tools/call", &add);
        answer = bridge.response();
    }
    assert_eq!(answer["id"], json!(2), "{answer}");
    assert_eq!(answer["result"]["structuredContent"], json!({"result": 5}), "{answer}");
}

#[test]
fn while_nothing_listens_each_request_is_told_what_to_do() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it").port();
    let mut bridge = Bridge::start(&format!("http://127.0.0.1:{port}/mcp"), &[]);
    bridge.modern(&json!("a"), "tools/list", json!({}));
    let answer = bridge.response();
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!("a"), &json!(-32603)),
        "{answer}"
    );
    let text = answer["error"]["message"].as_str().expect("a text");
    assert!(text.contains("mcpbox serve") && text.contains("--url"), "{text}");
    assert!(bridge.end().is_empty());
}

#[test]
fn a_token_is_sent_and_its_want_is_told() {
    let database = Database::sqlite();
    let data_dir = database.data_dir();
    let arguments = ["--mcp-require-token"];
    let start =
        Start { command: "serve", data_dir: &data_dir, database_url: None, arguments: &arguments };
    let program = start.run();
    let api = Api::sign_in(&program.admin);
    let made =
        api.ok("POST", "/api/tokens", &json!({"name": "desktop", "scopes": ["call", "author"]}));
    let token = made["token"].as_str().expect("a token");
    let file = data_dir.join("token");
    std::fs::write(&file, format!("{token}\n")).expect("written");
    let mut with = Bridge::start(&program.mcp, &["--token-file", file.to_str().expect("a path")]);
    with.modern(&json!(1), "tools/list", json!({}));
    assert!(with.response()["result"]["tools"].is_array());
    let mut without = Bridge::start(&program.mcp, &[]);
    without.modern(&json!(1), "tools/list", json!({}));
    let refused = without.response();
    let text = refused["error"]["message"].as_str().expect("a text");
    assert!(text.contains("401") && text.contains("--token-file"), "{text}");
    let mut official = Client::connect_by_pipes(&program.mcp, "auto", Some(token));
    assert!(!official.tools().is_empty());
}

/// A server of which the tests know every request.
struct Scripted {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Answers one connection after the other with what `answer` makes of head and body.
    fn start(answer: impl Fn(&str, &Value) -> (u16, Value) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&heads);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (head, body) = crate::traces::read_request(&mut stream);
                let said = serde_json::from_slice(&body).unwrap_or_default();
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
                let (status, message) = answer(&head, &said);
                let message = message.to_string();
                let sent = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n\
                     Content-Length: {}\r\n\r\n{message}",
                    message.len()
                );
                let _gone = stream.write_all(sent.as_bytes());
            }
        });
        Self { url, heads }
    }
}

#[test]
fn arguments_that_are_headers_are_learned_where_the_client_has_not_listed_them() {
    let scripted = Scripted::start(|head, said| {
        let id = &said["id"];
        if said["method"] == "tools/list" {
            let schema = json!({"type": "object", "properties": {
                "region": {"type": "string", "x-mcp-header": "Region"}}});
            let tools = json!([{"name": "find", "inputSchema": schema}]);
            return (200, json!({"jsonrpc": "2.0", "id": id, "result": {"tools": tools}}));
        }
        if head.to_ascii_lowercase().contains("mcp-param-region: eu") {
            return (200, json!({"jsonrpc": "2.0", "id": id, "result": {"found": true}}));
        }
        let error = json!({"code": -32020, "message": "Mcp-Param-Region is missing"});
        (400, json!({"jsonrpc": "2.0", "id": id, "error": error}))
    });
    let mut bridge = Bridge::start(&scripted.url, &[]);
    let call = json!({"name": "find", "arguments": {"region": "eu"}});
    bridge.modern(&json!(1), "tools/call", call.clone());
    let answer = bridge.response();
    assert_eq!(answer["result"]["found"], json!(true), "{answer}");
    bridge.modern(&json!(2), "tools/call", call);
    assert_eq!(bridge.response()["result"]["found"], json!(true));
    let heads = scripted.heads.lock().unwrap_or_else(PoisonError::into_inner);
    let of = |method: &str| heads.iter().filter(|head| head.contains(method)).count();
    assert_eq!((of("tools/list"), of("tools/call")), (1, 3), "{heads:?}");
    assert!(
        heads
            .iter()
            .all(|head| head.to_ascii_lowercase().contains("mcp-protocol-version: 2026-07-28"))
    );
}

#[test]
fn what_the_server_says_reaches_the_client_unchanged() {
    let text =
        r#"{"jsonrpc":"2.0","id":1,"result":{"z":100000000000000000001,"a":1.0,"z2":"\u0041"}}"#;
    let scripted = Scripted::start(move |_, _| (200, serde_json::from_str(text).expect("JSON")));
    let mut bridge = Bridge::start(&scripted.url, &[]);
    bridge.modern(&json!(1), "tools/list", json!({}));
    let mut line = String::new();
    bridge.output.read_line(&mut line).expect("a line");
    let sent: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(line.trim_end(), sent.to_string());
}
