//! A call of an imported tool, beside the same call at its source.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use testkit::http::Api;
use testkit::program::Start;

use crate::client::{Connection, request};
use crate::sample::Sample;

const CALLS: usize = 2000;

/// What the source answers.
const ANSWER: &str = "it was done at the source";

/// Imports a tool of a source on this machine and calls it both ways, taking turns.
pub(crate) fn measure(directory: &Path) -> anyhow::Result<()> {
    let source = start()?;
    let data_dir = directory.join("sources");
    let arguments = ["--log", "warn", "--allow-loopback-sources"];
    let start =
        Start { command: "serve", data_dir: &data_dir, database_url: None, arguments: &arguments };
    let program = start.run();
    import(&Api::sign_in(&program.admin), &source);
    let ways =
        [("at its source", &source, "work"), ("through mcpbox", &program.mcp, "bench__far_work")];
    for (_, address, name) in ways {
        calls(address, name, CALLS / 4)?;
    }
    let mut medians = Vec::new();
    for connections in [1, 16] {
        for (way, address, name) in ways {
            let began = Instant::now();
            let clients: Vec<_> = (0..connections)
                .map(|_| {
                    let (address, name) = (address.clone(), name.to_owned());
                    std::thread::spawn(move || calls(&address, &name, CALLS / connections))
                })
                .collect();
            let mut times = Vec::new();
            for client in clients {
                let Ok(done) = client.join() else { anyhow::bail!("a client panicked") };
                times.extend(done?);
            }
            let sample = Sample::new(times, began.elapsed());
            sample.print(&format!("tools/call {way}, {connections} connection(s)"));
            medians.push(sample.quantile(0.5));
        }
    }
    if let [direct, through, ..] = medians[..] {
        let added = through.saturating_sub(direct).as_micros();
        println!("mcpbox adds to a call of a source, p50 at 1 connection: {added} us");
    }
    Ok(())
}

/// Adds the source, lists it, and imports and approves its only tool.
fn import(api: &Api, source: &str) {
    let id = |made: &Value| made.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let server = id(&api.ok("POST", "/api/servers", &json!({"name": "bench"})));
    let wish = json!({"name": "far", "url": format!("{source}/mcp")});
    let path = format!("/api/external-sources/servers/{server}/sources");
    let added = id(&api.ok("POST", &path, &wish));
    let path = format!("/api/external-sources/sources/{added}");
    api.ok("POST", &format!("{path}/discover"), &json!({}));
    api.ok("POST", &format!("{path}/import"), &json!({"tool_names": ["work"]}));
    let tools = api.ok("GET", &format!("/api/servers/{server}/tools"), &Value::Null);
    let items = tools.get("items").and_then(Value::as_array);
    for tool in items.into_iter().flatten() {
        api.approve(&id(tool));
    }
}

/// Calls the tool over one connection, one call after the other.
fn calls(address: &str, name: &str, count: usize) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(address)?;
    let request = request(address, name, &json!({"a": 1, "b": 2}));
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        let body = connection.ask(&request)?;
        times.push(began.elapsed());
        ensure!(body.contains(ANSWER), "unexpected answer: {body}");
    }
    Ok(times)
}

/// Starts a source that answers at once; gives its address.
fn start() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("a port for the source")?;
    let address = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // Whoever is gone needs no answer.
            std::thread::spawn(move || drop(serve(connection)));
        }
    });
    Ok(address)
}

fn serve(mut connection: TcpStream) -> anyhow::Result<()> {
    connection.set_nodelay(true)?;
    let mut requests = BufReader::new(connection.try_clone()?);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse::<usize>()?;
            }
        }
        let mut body = vec![0; length];
        requests.read_exact(&mut body)?;
        let message: Value = serde_json::from_slice(&body)?;
        let (status, body) = answer(&message);
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        connection.write_all(format!("{head}{body}").as_bytes())?;
    }
}

fn answer(message: &Value) -> (&'static str, String) {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}});
    let result = match message.get("method").and_then(Value::as_str).unwrap_or_default() {
        "server/discover" => json!({
            "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "far", "version": "1"},
            "resultType": "complete",
        }),
        "tools/list" => json!({
            "tools": [{"name": "work", "description": "Works.", "inputSchema": schema}],
            "ttlMs": 0,
            "cacheScope": "private",
            "resultType": "complete",
        }),
        "tools/call" => {
            json!({"content": [{"type": "text", "text": ANSWER}], "resultType": "complete"})
        }
        _ => return ("404 Not Found", String::new()),
    };
    let id = message.get("id");
    ("200 OK", json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string())
}
