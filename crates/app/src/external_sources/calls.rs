//! Calls of imported tools: sent to their source, never twice, with what is said and asked meanwhile passed on.

use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt as _};
use outbound::mcp::{self, Listener, RpcError};
use sandbox::{Abilities, Failure, FailureKind};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use store::external_sources::ExternalSource;
use store::revisions::Imported;

use super::connections::{Connection, connect_to_call, wants_login};
use super::told::page;
use super::{find, oauth};
use crate::outside::Dialogue;
use crate::{App, Error};

/// How often a call is sent again that certainly was not carried out, or is harmless to repeat.
const AGAIN: u32 = 2;

/// The pause before that; twice as long before the next.
const PAUSE: Duration = Duration::from_millis(300);

/// A call of an imported tool.
pub(crate) struct Called<'a> {
    pub(crate) source: &'a ExternalSource,
    pub(crate) imported: &'a Imported,
    pub(crate) arguments: Map<String, Value>,
    /// What else is told, such as the trace that the call belongs to.
    pub(crate) meta: Map<String, Value>,
    pub(crate) timeout: Duration,
    pub(crate) dialogue: Dialogue,
    /// Who calls.
    pub(crate) owner: String,
}

/// Calls a tool at its source; gives the result as it came.
///
/// # Errors
/// A [`Failure`] that says whether the tool may have run.
pub(crate) async fn call(app: &App, called: Called<'_>) -> Result<Value, Failure> {
    let Called { source, imported, arguments, meta, timeout, dialogue, owner } = called;
    let until = Instant::now() + timeout;
    let mut connection = connect_to_call(app, source).await.map_err(|error| refused(&error))?;
    let listener: Arc<dyn Listener> = Arc::new(Passing { dialogue, owner });
    let mut pause = PAUSE;
    for round in 0_u32.. {
        connection.check(source).map_err(|error| refused(&error))?;
        let call = mcp::Call {
            name: imported.name().to_owned(),
            arguments: arguments.clone(),
            meta: meta.clone(),
            schema: imported.definition.get("inputSchema").cloned(),
            timeout: until.saturating_duration_since(Instant::now()),
            listener: Some(Arc::clone(&listener)),
        };
        let outcome = Box::pin(connection.source.call_tool(call)).await;
        connection.note(app, &outcome).await;
        let error = match outcome {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        if let mcp::Error::Retired { sent: false } = error
            && round < AGAIN
        {
            // The source is another one now, or none.
            connection = connect_anew(app, source).await.map_err(|error| refused(&error))?;
            continue;
        }
        let has_time = until.saturating_duration_since(Instant::now()) > pause;
        if round >= AGAIN || !has_time || !may_be_sent_again(&error, &imported.definition) {
            return Err(failure((source, &page(app, source.id)), timeout, &error));
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Err(Failure {
        kind: FailureKind::External,
        message: "the source was not reached".to_owned(),
        detail: None,
    })
}

/// The connection to a source as it is now.
async fn connect_anew(app: &App, source: &ExternalSource) -> crate::Result<Arc<Connection>> {
    connect_to_call(app, &find(app.store(), source.id).await?).await
}

/// Whether a call that failed so may be sent once more.
fn may_be_sent_again(error: &mcp::Error, definition: &Value) -> bool {
    if wants_login(error) {
        return false;
    }
    let is_lost = match error {
        mcp::Error::NotSent(_) | mcp::Error::NotStarted(_) | mcp::Error::Start(_) => {
            return error.is_certainly_not_carried_out();
        }
        // It was begun again already.
        mcp::Error::SessionLost => return false,
        mcp::Error::Broken(_) | mcp::Error::NoAnswer | mcp::Error::Ended { .. } => true,
        _ => false,
    };
    let says = |hint: &str| {
        let hints = definition.get("annotations");
        hints.and_then(|hints| hints.get(hint)).is_some_and(|says| *says == Value::Bool(true))
    };
    is_lost
        && (error.is_certainly_not_carried_out() || says("idempotentHint") || says("readOnlyHint"))
}

/// Why nothing was sent.
fn refused(error: &Error) -> Failure {
    let kind = match error {
        Error::Busy { .. } => FailureKind::Busy,
        _ => FailureKind::External,
    };
    let message = match error {
        Error::Busy { retry_after_seconds, .. } => {
            format!("{error}; nothing was sent, try again in {retry_after_seconds} s")
        }
        _ => format!("{error}; nothing was sent"),
    };
    Failure { kind, message, detail: None }
}

/// What a caller is told of a call that failed; `page` is where a person sees to the source.
fn failure(
    (source, page): (&ExternalSource, &str),
    timeout: Duration,
    error: &mcp::Error,
) -> Failure {
    let name = &source.name;
    let login =
        format!("tell your user, a person has to see to its credentials {page}; nothing was done");
    let (kind, advice) = if let mcp::Error::Timeout(_) = error {
        let message = format!(
            "source `{name}` did not answer within {} s, the time limit of this tool; it may have done what was asked: find out before you call again",
            timeout.as_secs_f64()
        );
        return Failure { kind: FailureKind::WallClock, message, detail: None };
    } else if let mcp::Error::Rpc(told) = error {
        // The source's own words: often wrong arguments.
        let message = format!("source `{name}` answered with an error: {told}");
        let detail = told.data.as_ref().map(|data| json!({ "context": [data.to_string()] }));
        return Failure { kind: FailureKind::External, message, detail };
    } else if let mcp::Error::Resting { .. } = error {
        let message = format!("source `{name}`: {error}; nothing was done");
        return Failure { kind: FailureKind::Busy, message, detail: None };
    } else if let Some(lacking) = oauth::lacking_scopes(error, page) {
        let message = format!("source `{name}`: {lacking}");
        return Failure { kind: FailureKind::External, message, detail: None };
    } else if let mcp::Error::Credentials(why) = error {
        let message = format!("source `{name}`: {why}; nothing was done");
        return Failure { kind: FailureKind::External, message, detail: None };
    } else if let (mcp::Error::Unauthorized(_), Some(key)) = (error, &source.auth_secret_name) {
        let message = format!(
            "source `{name}` refuses the value of the secret `{key}` that it was shown (401): tell your user, a person has to set another one, on the page of the server; nothing was done"
        );
        return Failure { kind: FailureKind::External, message, detail: None };
    } else if wants_login(error) {
        (FailureKind::External, login.as_str())
    } else if error.is_certainly_not_carried_out() {
        (FailureKind::External, "nothing was done; try again later")
    } else {
        (FailureKind::External, "it may have done what was asked: find out before you call again")
    };
    Failure { kind, message: format!("source `{name}`: {error}; {advice}"), detail: None }
}

/// Passes on to the caller what the source says and asks.
struct Passing {
    dialogue: Dialogue,
    owner: String,
}

impl Listener for Passing {
    fn owner(&self) -> &str {
        &self.owner
    }

    fn notified(&self, method: &str, params: &Value) {
        let operation = match method {
            "notifications/progress" => Abilities::PROGRESS,
            "notifications/message" => Abilities::LOG,
            _ => return,
        };
        drop(self.dialogue.start(operation, params.to_string().as_bytes()));
    }

    fn asked<'a>(
        &'a self,
        method: &'a str,
        params: &'a Value,
    ) -> BoxFuture<'a, Result<Value, RpcError>> {
        async move {
            let kind = match method {
                "elicitation/create" => "elicit",
                "sampling/createMessage" => "sample",
                "roots/list" => "roots",
                _ => return Err(RpcError::unknown_method(method)),
            };
            let key = uuid::Uuid::now_v7().to_string();
            let question = json!({ "key": key, "kind": kind, "params": params, "together": 1 });
            let question = question.to_string();
            let started = self.dialogue.start(Abilities::ASK, question.as_bytes());
            let Some(answering) = started else { return Err(RpcError::unknown_method(method)) };
            let failed = |message: String| RpcError::new(-32603, message);
            let told = answering.await.map_err(|error| failed(error.clone()))?;
            let mut told: Value =
                serde_json::from_slice(&told).map_err(|error| failed(error.to_string()))?;
            if let Some(answer) = told.get_mut("answer").map(Value::take) {
                return Ok(answer);
            }
            let error = told.get("error").cloned().unwrap_or_default();
            let said = error.get("message").and_then(Value::as_str).unwrap_or("there is no answer");
            // What a client cannot do is a method that this client does not serve for it.
            let code = if error.get("kind").is_some_and(|kind| kind == "unsupported") {
                -32601
            } else {
                -32603
            };
            Err(RpcError::new(code, said))
        }
        .boxed()
    }
}
