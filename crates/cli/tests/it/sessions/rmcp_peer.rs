//! The official client in Rust, in a thread of the test: it obeys the same lines as the others.

use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Write as _, pipe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ElicitRequestParams,
    ElicitResult, Implementation, ProgressNotificationParam, ProtocolVersion, ServerNotification,
    SubscriptionFilter,
};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt as _, NotificationContext, RequestContext,
    RunningService, ServiceError,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::{ClientHandler, ErrorData, RoleClient};
use serde_json::{Value, json};
use tokio::net::{TcpStream, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::client::Client;

/// Connects; `mode` is `legacy` or `auto`.
pub(crate) fn connect(url: &str, mode: &'static str) -> Client {
    let (commands, ours) = pipe().expect("a pipe");
    let (answers, theirs) = pipe().expect("a pipe");
    let url = url.to_owned();
    std::thread::spawn(move || obey(&url, mode, commands, theirs));
    Client::greeted(None, Box::new(ours), Box::new(BufReader::new(answers)))
}

/// Does what the lines say until they end.
fn obey(url: &str, mode: &str, commands: PipeReader, mut answers: PipeWriter) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let directory = tempfile::tempdir().expect("a directory");
    let mut peer = runtime.block_on(Peer::connect(url, mode, directory.path()));
    let protocol = peer.service.peer_info().map(|info| info.protocol_version.to_string());
    let mut say = |answer: &Value| writeln!(answers, "{answer}");
    let mut heard = say(&json!({"protocol": protocol}));
    for line in BufReader::new(commands).lines() {
        let (Ok(line), Ok(())) = (line, heard) else { return };
        let command = serde_json::from_str(&line).expect("a command is JSON");
        let answer = runtime.block_on(peer.act(&command));
        heard = say(&answer.unwrap_or_else(|error| json!({"error": error.to_string()})));
    }
}

/// What the client heard, and what it answers when it is asked.
struct Heard {
    changes: watch::Sender<u64>,
    progress: AtomicU64,
    questions: Mutex<Vec<Value>>,
    answer: Mutex<Value>,
}

#[derive(Clone)]
struct Handler(Arc<Heard>);

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let capabilities = ClientCapabilities::builder().enable_elicitation().build();
        ClientConfig::new(capabilities, Implementation::new("rmcp", "1"))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let question = serde_json::to_value(request).expect("a question is JSON");
        self.0.questions.lock().expect("a lock").push(question);
        let answer = self.0.answer.lock().expect("a lock").clone();
        Ok(serde_json::from_value(answer).expect("an answer of the protocol"))
    }

    async fn on_progress(
        &self,
        _params: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.0.progress.fetch_add(1, Ordering::Relaxed);
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.0.changes.send_modify(|changes| *changes += 1);
    }
}

struct Peer {
    service: Arc<RunningService<RoleClient, Handler>>,
    heard: Arc<Heard>,
    begun: Option<JoinHandle<Result<CallToolResult, ServiceError>>>,
}

impl Peer {
    async fn connect(url: &str, mode: &str, directory: &Path) -> Self {
        let heard = Arc::new(Heard {
            changes: watch::Sender::new(0),
            progress: AtomicU64::new(0),
            questions: Mutex::new(Vec::new()),
            answer: Mutex::new(json!({"action": "cancel"})),
        });
        let socket = relay(url, directory);
        let transport =
            StreamableHttpClientTransport::from_unix_socket(&socket.to_string_lossy(), url);
        let lifecycle = match mode {
            "legacy" => ClientLifecycleMode::Initialize,
            _ => ClientLifecycleMode::Auto {
                preferred_versions: vec![ProtocolVersion::LATEST],
                legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
            },
        };
        let service = Handler(Arc::clone(&heard)).serve_with_lifecycle(transport, lifecycle).await;
        let service = Arc::new(service.expect("the client connects"));
        if mode != "legacy" {
            let filter = SubscriptionFilter::builder().tools_list_changed().build();
            let mut changes = service.listen(filter).await.expect("the server lets it listen");
            let heard = Arc::clone(&heard);
            tokio::spawn(async move {
                while let Ok(Some(event)) = changes.next().await {
                    if matches!(event, ServerNotification::ToolListChangedNotification(_)) {
                        heard.changes.send_modify(|changes| *changes += 1);
                    }
                }
            });
        }
        Self { service, heard, begun: None }
    }

    async fn act(&mut self, command: &Value) -> Result<Value, ServiceError> {
        match command["do"].as_str().unwrap_or_default() {
            "list" => Ok(json!({"tools": self.service.list_all_tools().await?})),
            "call" => {
                let result = self.service.call_tool(call(command)).await?;
                Ok(serde_json::to_value(result).expect("a result is JSON"))
            }
            "begin" => {
                let (service, call) = (Arc::clone(&self.service), call(command));
                self.begun = Some(tokio::spawn(async move { service.call_tool(call).await }));
                Ok(json!({}))
            }
            "cancel" => {
                let call = self.begun.take().expect("a call was begun");
                call.abort();
                let ended = call.await;
                Ok(json!({"cancelled": ended.is_err_and(|error| error.is_cancelled())}))
            }
            "answer" => {
                *self.heard.answer.lock().expect("a lock") = command["answer"].clone();
                Ok(json!({}))
            }
            "heard" => Ok(json!({
                "progress": self.heard.progress.load(Ordering::Relaxed),
                "questions": *self.heard.questions.lock().expect("a lock"),
            })),
            "changes" => Ok(json!({"changes": *self.heard.changes.borrow()})),
            "wait_for_change" => {
                let after = command["after"].as_u64().unwrap_or_default();
                let mut changes = self.heard.changes.subscribe();
                let more = changes.wait_for(|changes| *changes > after);
                match tokio::time::timeout(Duration::from_secs(10), more).await {
                    Ok(Ok(changes)) => Ok(json!({"changes": *changes})),
                    _ => Ok(json!({"error": "no change was heard of"})),
                }
            }
            other => panic!("unknown command {other}"),
        }
    }
}

fn call(command: &Value) -> CallToolRequestParams {
    let name = command["name"].as_str().expect("a name").to_owned();
    let arguments = command["arguments"].as_object().cloned().unwrap_or_default();
    CallToolRequestParams::new(name).with_arguments(arguments)
}

/// Passes on what comes to a socket, byte by byte: the client's other way out is an HTTP library that nothing
/// here may use.
fn relay(url: &str, directory: &Path) -> PathBuf {
    let door = url.trim_start_matches("http://").split('/').next().expect("a host").to_owned();
    let path = directory.join("door.socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let door = door.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(door).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    path
}
