//! Bytes to a door, and what comes back.

use anyhow::{Context as _, Error, Result};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::connection::Gone;

/// What came back until the door closed the connection.
#[derive(Debug)]
pub(super) struct Answer {
    /// 0 where nothing came.
    pub(super) status: u16,
    body: String,
}

impl Answer {
    /// Reads what came until the end. An answer that breaks off says that the program is gone.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split_whitespace().nth(1).and_then(|code| code.parse().ok());
        let answer = Self { status: status.unwrap_or(0), body: body.to_owned() };
        let fields = head.lines().filter_map(|line| line.split_once(':'));
        let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = lengths.next().and_then(|(_, value)| value.trim().parse::<usize>().ok());
        if length.is_some_and(|length| length > body.len()) {
            return Err(Error::new(Gone).context(format!("half an answer: {answer:?}")));
        }
        Ok(answer)
    }

    /// The answer, if anything came.
    pub(super) fn that_came(self) -> Result<Self> {
        if self.status == 0 { Err(Error::new(Gone).context("no answer")) } else { Ok(self) }
    }

    /// The code of an error of JSON-RPC.
    pub(super) fn code(&self) -> Option<i64> {
        self.message()?.pointer("/error/code")?.as_i64()
    }

    /// The message in it.
    pub(super) fn message(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }
}

/// Sends bytes, which ask for the connection to be closed, and reads until it is.
pub(super) async fn exchange(door: &str, bytes: Vec<u8>) -> Result<Answer> {
    let stream = TcpStream::connect(door).await.context(Gone)?;
    let (mut reader, mut writer) = stream.into_split();
    // A door that has seen enough closes before all is sent.
    let sent = tokio::spawn(async move {
        let _refused = writer.write_all(&bytes).await;
        writer
    });
    let mut received = Vec::new();
    let ended = reader.read_to_end(&mut received).await;
    drop(sent.await);
    // What came before the connection was cut counts.
    if received.is_empty() {
        ended.context(Gone)?;
    }
    Answer::read(&received)?.that_came()
}

/// A POST of a request that stands alone, with these header fields more, and its body.
pub(super) fn modern(door: &str, method: &str, fields: &str, body: &str) -> Vec<u8> {
    let fields = format!("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n{fields}");
    plain(door, &fields, body)
}

/// A POST of JSON.
pub(super) fn plain(door: &str, fields: &str, body: &str) -> Vec<u8> {
    let fields = format!(
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{fields}"
    );
    bare(&format!("POST /mcp HTTP/1.1\r\nHost: {door}\r\n"), &fields, body)
}

/// A request that begins with these lines.
pub(super) fn bare(beginning: &str, fields: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("{beginning}Connection: close\r\nContent-Length: {length}\r\n{fields}\r\n{body}")
        .into_bytes()
}

/// The body of a request that stands alone; `params` go on after `_meta`.
pub(super) fn body(method: &str, params: &str) -> String {
    let version = "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"";
    let meta = format!("{{{version},\"io.modelcontextprotocol/clientCapabilities\":{{}}}}");
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":\"hostile\",\"method\":\"{method}\",\"params\":{{\"_meta\":{meta}{params}}}}}"
    )
}
