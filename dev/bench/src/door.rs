//! A call through `/mcp` by plain HTTP clients that keep their connections open.

use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use testkit::http::Api;
use testkit::program::{Program, Start};

use crate::process::memory_kib;
use crate::sample::{ADD, Sample};

const CALLS: usize = 2000;

/// Starts the program twice, publishes a tool and calls it over 1 and 32 connections.
pub(crate) fn measure(directory: &Path) -> anyhow::Result<()> {
    let data_dir = directory.join("data");
    let arguments = ["--log", "warn"];
    let start =
        Start { command: "serve", data_dir: &data_dir, database_url: None, arguments: &arguments };
    let began = Instant::now();
    drop(start.run());
    println!("first start until ready: {} ms", began.elapsed().as_millis());
    let began = Instant::now();
    let program = start.run();
    println!("later start until ready: {} ms", began.elapsed().as_millis());
    std::thread::sleep(Duration::from_secs(1));
    let (own, workers) = memory_kib(&program);
    println!("idle memory (PSS): server {} MiB, workers {} MiB", own / 1024, workers / 1024);

    publish(&program);
    calls(&program.mcp, CALLS / 4)?;
    for connections in [1, 32] {
        let each = CALLS / connections;
        let began = Instant::now();
        let clients: Vec<_> = (0..connections)
            .map(|_| {
                let address = program.mcp.clone();
                std::thread::spawn(move || calls(&address, each))
            })
            .collect();
        let mut times = Vec::new();
        for client in clients {
            let Ok(done) = client.join() else { anyhow::bail!("a client panicked") };
            times.extend(done?);
        }
        let what = format!("tools/call through /mcp, {connections} connection(s), each logged");
        Sample::new(times, began.elapsed()).print(&what);
    }
    let (own, workers) = memory_kib(&program);
    println!(
        "memory after the calls (PSS): server {} MiB, workers {} MiB",
        own / 1024,
        workers / 1024
    );
    Ok(())
}

/// Writes and approves the tool through the JSON API.
fn publish(program: &Program) {
    let api = Api::sign_in(&program.admin);
    let server = api.ok("POST", "/api/servers", &json!({"name": "bench"}));
    let id = text(&server, "id");
    let new = json!({"name": "add", "python_code": ADD.source(true)});
    let tool = api.ok("POST", &format!("/api/servers/{id}/tools"), &new);
    let id = text(&tool, "id");
    let action = json!({"action": "submit_for_review"});
    api.ok("POST", &format!("/api/approvals/tools/{id}/action"), &action);
    api.approve(id);
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Calls the tool over one connection, one call after the other.
fn calls(address: &str, count: usize) -> anyhow::Result<Vec<Duration>> {
    let host = address.trim_start_matches("http://").trim_end_matches("/mcp");
    let stream = TcpStream::connect(host).context("/mcp does not listen")?;
    stream.set_nodelay(true)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let request = request(host);
    let mut stream = stream;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        stream.write_all(request.as_bytes())?;
        let body = read_answer(&mut answers)?;
        times.push(began.elapsed());
        ensure!(body.contains(r#""structuredContent":{"sum":3}"#), "unexpected answer: {body}");
    }
    Ok(times)
}

/// One `tools/call` of the protocol's current era.
fn request(host: &str) -> String {
    let body = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "bench__add",
            "arguments": {"a": 1, "b": 2},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
            },
        },
    });
    let body = body.to_string();
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
         Mcp-Method: tools/call\r\nMcp-Name: bench__add\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads one answer, whichever way its length is told.
fn read_answer(answers: &mut impl std::io::BufRead) -> anyhow::Result<String> {
    let mut length = None;
    let mut chunked = false;
    loop {
        let mut line = String::new();
        ensure!(answers.read_line(&mut line)? > 0, "the connection ended");
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = Some(value.trim().parse::<usize>()?);
        }
        chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let mut size = String::new();
            answers.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim(), 16).context("a chunk's size")?;
            let mut chunk = vec![0; size + 2];
            answers.read_exact(&mut chunk)?;
            if size == 0 {
                break;
            }
            chunk.truncate(size);
            body.extend(chunk);
        }
    } else {
        body = vec![0; length.context("an answer without a length")?];
        answers.read_exact(&mut body)?;
    }
    Ok(String::from_utf8(body)?)
}
