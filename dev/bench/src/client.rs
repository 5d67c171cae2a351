//! A plain HTTP client that keeps its connection open, and what it says to `/mcp`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use testkit::http::{Api, send};

/// Writes and approves a tool on a new server through the JSON API; returns the server's id.
pub(crate) fn publish(api: &Api, server: &str, tool: &str, code: &str) -> String {
    let server = api.ok("POST", "/api/servers", &json!({"name": server}));
    let id = text(&server, "id");
    add(api, id, tool, code);
    id.to_owned()
}

/// Writes and approves a tool on a server.
pub(crate) fn add(api: &Api, server_id: &str, tool: &str, code: &str) {
    let new = json!({"name": tool, "python_code": code});
    let tool = api.ok("POST", &format!("/api/servers/{server_id}/tools"), &new);
    let id = text(&tool, "id");
    let action = json!({"action": "submit_for_review"});
    api.ok("POST", &format!("/api/approvals/tools/{id}/action"), &action);
    api.approve(id);
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A connection that stays open.
pub(crate) struct Connection {
    stream: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to `http://HOST:PORT`; a path after it is ignored.
    pub(crate) fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host(address)).context("nobody listens")?;
        stream.set_nodelay(true)?;
        let answers = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, answers })
    }

    /// Sends a request and returns the body of its answer.
    pub(crate) fn ask(&mut self, request: &str) -> anyhow::Result<String> {
        self.stream.write_all(request.as_bytes())?;
        read_answer(&mut self.answers)
    }

    /// Sends a request that is answered by a stream.
    pub(crate) fn listen(&mut self, request: &str) -> anyhow::Result<()> {
        Ok(self.stream.write_all(request.as_bytes())?)
    }

    /// Reads a stream until a line holds `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> anyhow::Result<()> {
        loop {
            let mut line = String::new();
            ensure!(self.answers.read_line(&mut line)? > 0, "the stream ended");
            if line.contains(text) {
                return Ok(());
            }
        }
    }
}

/// The GET stream of a new session of the revisions that have them.
pub(crate) fn session_stream(address: &str) -> anyhow::Result<Connection> {
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    });
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let headers =
        [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
    let answer = send(address, "POST", "/mcp", &headers, &hello.to_string());
    let mut fields = answer.head.lines().filter_map(|line| line.split_once(':'));
    let session = fields.find(|(name, _)| name.eq_ignore_ascii_case("mcp-session-id"));
    let (_, session) = session.with_context(|| format!("no session: {answer:?}"))?;
    let mut stream = Connection::open(address)?;
    stream.listen(&format!(
        "GET /mcp HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\
         MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: {}\r\n\r\n",
        host(address),
        session.trim()
    ))?;
    // What comes first shows that it listens.
    stream.wait_for("id: changes")?;
    Ok(stream)
}

fn host(address: &str) -> &str {
    let rest = address.trim_start_matches("http://");
    rest.split_once('/').map_or(rest, |(host, _path)| host)
}

/// One `tools/call` of the protocol's current era.
pub(crate) fn request(address: &str, tool: &str, arguments: &Value) -> String {
    rpc(address, "tools/call", &json!({ "name": tool, "arguments": arguments }))
}

/// One request of the protocol's current era.
pub(crate) fn rpc(address: &str, method: &str, params: &Value) -> String {
    let mut params = params.clone();
    let name = params.get("name").and_then(Value::as_str);
    let name = name.map(|name| format!("Mcp-Name: {name}\r\n")).unwrap_or_default();
    if let Value::Object(params) = &mut params {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        });
        params.insert("_meta".to_owned(), meta);
    }
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
         Mcp-Method: {method}\r\n{name}Content-Length: {}\r\n\r\n{body}",
        host(address),
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
