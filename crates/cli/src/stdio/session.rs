//! The session of a client of the older revisions: begun by it, begun anew here when the server lost it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio_util::task::AbortOnDropHandle;

use super::door::{self, Door, Undelivered};
use super::events::Events;
use super::message::Message;
use super::output::Output;
use super::reply;

/// The header that names a session.
const SESSION: &str = "mcp-session-id";

/// What the bridge itself asks, so that no id of the client's is used twice.
const OWN_ID: &str = "mcpbox-stdio-initialize";

const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// Between two tries to open the session's stream.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MOST: Duration = Duration::from_secs(30);

/// How long a new session may take to begin.
const BEGIN: Duration = Duration::from_mins(1);

/// The one session of this bridge.
#[derive(Default)]
pub(super) struct Session {
    state: Mutex<State>,
    /// Held while a lost session is begun anew.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    initialize: Option<Message>,
    is_initialized: bool,
    current: Current,
    listening: Option<AbortOnDropHandle<()>>,
}

/// What requests say of the session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Current {
    id: Option<String>,
    version: Option<String>,
    /// How many there were before it.
    number: u64,
}

impl Current {
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        let id = self.id.iter().map(|id| (SESSION.to_owned(), id.clone()));
        let version = self.version.iter();
        id.chain(version.map(|it| ("MCP-Protocol-Version".to_owned(), it.clone()))).collect()
    }

    /// Whether this answer says that the session is lost: nothing was carried out then.
    pub(super) fn is_lost(&self, status: StatusCode) -> bool {
        self.id.is_some() && status == StatusCode::NOT_FOUND
    }
}

impl Session {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn current(&self) -> Current {
        self.state().current.clone()
    }

    /// Remembers how the session began.
    pub(super) fn begun(&self, initialize: &Message, headers: &HeaderMap, response: &Value) {
        let mut state = self.state();
        state.initialize = Some(initialize.clone());
        state.is_initialized = false;
        state.listening = None;
        state.enter(headers, response);
    }

    /// Opens the session's stream, once the client is ready for it.
    pub(super) fn initialized(self: &Arc<Self>, door: &Arc<Door>, output: &Output) {
        let listening = listen(Arc::clone(self), Arc::clone(door), output.clone());
        let mut state = self.state();
        state.is_initialized = true;
        if state.current.id.is_some() {
            state.listening = Some(AbortOnDropHandle::new(tokio::spawn(listening)));
        }
    }

    /// Begins the session anew, unless somebody has done so since it was `lost`.
    pub(super) async fn renew(&self, door: &Door, lost: &Current) -> Result<(), Undelivered> {
        let _one_at_a_time = self.renewing.lock().await;
        let (initialize, is_initialized) = {
            let state = self.state();
            if state.current.number != lost.number {
                return Ok(());
            }
            (state.initialize.clone(), state.is_initialized)
        };
        let Some(initialize) = initialize else {
            return Err(Undelivered("the session is lost; connect again".to_owned()));
        };
        tracing::info!("the server has lost the session; beginning it anew");
        let beginning = async {
            let answer = door.post(&initialize.with_id(OWN_ID), &[]).await?;
            if !answer.status().is_success() {
                return Err(Undelivered(door::reason(answer).await));
            }
            let (headers, reply) = reply::read(answer).await?;
            let response = reply::response(reply).await;
            if response.get("result").is_none() {
                let why = response.get("error").map(ToString::to_string).unwrap_or_default();
                return Err(Undelivered(format!("the session cannot be begun anew: {why}")));
            }
            self.state().enter(&headers, &response);
            if is_initialized {
                door.post(INITIALIZED, &self.current().headers()).await?;
            }
            Ok(())
        };
        let slow =
            |_elapsed| Err(Undelivered("the session took too long to begin anew".to_owned()));
        tokio::time::timeout(BEGIN, beginning).await.unwrap_or_else(slow)
    }

    /// Ends it.
    pub(super) async fn end(&self, door: &Door) {
        let current = self.current();
        self.state().listening = None;
        if current.id.is_some() {
            door.delete(&current.headers()).await;
        }
    }
}

impl State {
    fn enter(&mut self, headers: &HeaderMap, response: &Value) {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let version =
            response.get("result").and_then(|result| text(result.get("protocolVersion")?));
        let id = headers.get(SESSION).and_then(|id| id.to_str().ok()).map(str::to_owned);
        self.current = Current { id, version, number: self.current.number + 1 };
    }
}

/// Keeps the session's stream open: what the server has to say by itself comes there.
async fn listen(session: Arc<Session>, door: Arc<Door>, output: Output) {
    let (mut last_id, mut pause) = (None, PAUSE_FIRST);
    let mut of = session.current();
    loop {
        let now = session.current();
        if now != of {
            (last_id, of) = (None, now);
        }
        let mut headers = of.headers();
        headers.extend(last_id.clone().map(|id| ("Last-Event-ID".to_owned(), id)));
        match door.get(&headers).await {
            Ok(answer) if of.is_lost(answer.status()) => {
                if let Err(error) = session.renew(&door, &of).await {
                    tracing::warn!(%error, "the session could not be begun anew");
                }
            }
            Ok(answer) if answer.status() == StatusCode::METHOD_NOT_ALLOWED => return,
            Ok(answer) if answer.status().is_success() => {
                let mut events = Events::new(answer.into_body());
                while let Some(message) = events.next().await {
                    output.say(message).await;
                    pause = PAUSE_FIRST;
                }
                last_id = events.last_id.or(last_id);
                pause = events.retry.unwrap_or(pause);
            }
            Ok(answer) => {
                let reason = door::reason(answer).await;
                tracing::warn!(%reason, "the stream is refused");
            }
            Err(error) => tracing::warn!(%error, "the stream cannot be opened"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MOST);
    }
}
