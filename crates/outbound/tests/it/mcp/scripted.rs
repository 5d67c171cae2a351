//! A server that answers byte for byte what the test says.

use crate::peer::{read_request, with_headers};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a request.
pub(crate) enum Act {
    /// Answers, and keeps the connection.
    Say(Vec<u8>),
    /// Sends this, and then nothing until the client closes.
    Hang(Vec<u8>),
    /// Sends this and closes.
    End(Vec<u8>),
}

/// A server on this machine.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Scripted {
    /// Answers each request by what `script` makes of it and of its body.
    pub(crate) async fn new(
        script: impl Fn(&str, &Value) -> Act + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let connections = Arc::<AtomicUsize>::default();
        let (kept, counter) = (Arc::clone(&seen), Arc::clone(&connections));
        let server = Self { url, seen: kept, connections };
        tokio::spawn(async move {
            while let Ok((connection, _peer)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(connection, script.clone(), Arc::clone(&seen)));
            }
        });
        server
    }

    /// A server with sessions whose answers to `tools/call` and to GET are the test's.
    pub(crate) async fn with_sessions(
        script: impl Fn(&str, &Value) -> Act + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::new(move |request, message| match message["method"].as_str() {
            Some("server/discover") => Act::Say(with_headers("400 Bad", &[], b"what?")),
            Some("initialize") => Act::Say(begun(message)),
            Some("notifications/initialized" | "notifications/cancelled") => accepted(),
            _ => script(request, message),
        })
        .await
    }

    /// How often it was connected to.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The requests whose head or body holds this.
    pub(crate) fn seen(&self, part: &str) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|request| request.contains(part)).cloned().collect()
    }
}

async fn serve(
    mut connection: TcpStream,
    script: impl Fn(&str, &Value) -> Act,
    seen: Arc<Mutex<Vec<String>>>,
) {
    while let Some(request) = read_request(&mut connection).await {
        let body = request.split_once("\r\n\r\n").map_or("", |(_head, body)| body);
        let message = serde_json::from_str(body).unwrap_or_default();
        seen.lock().unwrap().push(request.clone());
        match script(&request, &message) {
            Act::Say(bytes) => {
                if connection.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Act::Hang(bytes) => {
                let _sent = connection.write_all(&bytes).await;
                let _closed = connection.read_u8().await;
                seen.lock().unwrap().push("closed by the client".to_owned());
                return;
            }
            Act::End(bytes) => {
                let _sent = connection.write_all(&bytes).await;
                return;
            }
        }
    }
}

fn begun(message: &Value) -> Vec<u8> {
    let result = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}});
    let body = json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string();
    let fields = [("Content-Type", "application/json"), ("Mcp-Session-Id", "s1")];
    with_headers("200 OK", &fields, body.as_bytes())
}

/// What is answered to a message that has no answer.
pub(crate) fn accepted() -> Act {
    Act::Say(with_headers("202 Accepted", &[], b""))
}

/// An answer that is nothing but a status.
pub(crate) fn status(line: &str, fields: &[(&str, &str)], body: &str) -> Act {
    Act::Say(with_headers(line, fields, body.as_bytes()))
}

/// A document of JSON.
pub(crate) fn document(text: &str) -> Act {
    status("200 OK", &[("Content-Type", "application/json")], text)
}

/// The answer to a request.
pub(crate) fn result(message: &Value, result: &Value) -> Act {
    document(&json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string())
}

/// The beginning of a stream of events, which lasts as long as the connection.
pub(crate) fn stream(events: &str) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    format!("{head}{events}").into_bytes()
}

/// An event that carries a message.
pub(crate) fn event(message: &Value) -> String {
    format!("event: message\ndata: {message}\n\n")
}
