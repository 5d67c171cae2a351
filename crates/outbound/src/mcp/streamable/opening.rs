//! How a connection over Streamable HTTP begins.

use super::{Answer, Arc, Calls, Door, Era, Error, Started, Streamable, limits, message};
use crate::mcp::about::{About, Outgoing};
use crate::mcp::listener::Listener;
use crate::mcp::patience::Patience;
use crate::mcp::start::{self, Verdict};
use http::HeaderMap;
use serde_json::{Value, json};

/// Finds out which era a source is of, and begins a session where it has them. `session` says that
/// it had them before.
pub(crate) async fn begin(
    door: Arc<Door>,
    about: Arc<About>,
    observer: Arc<dyn Listener>,
    session: bool,
) -> Result<Arc<Streamable>, Error> {
    let calls = Calls::new(observer);
    let opening = Opening { door, about, calls };
    if session {
        return opening.session().await;
    }
    match opening.discover().await {
        Verdict::Modern(said) => Ok(opening.modern(said)),
        Verdict::Failed(error) => Err(error),
        Verdict::Again => match opening.discover().await {
            Verdict::Modern(said) => Ok(opening.modern(said)),
            Verdict::Failed(error) => Err(error),
            Verdict::Again | Verdict::Session => opening.session().await,
        },
        Verdict::Session => opening.session().await,
    }
}

struct Opening {
    door: Arc<Door>,
    about: Arc<About>,
    calls: Arc<Calls>,
}

impl Opening {
    fn with(&self, era: Era, session: Option<String>, said: Value) -> Arc<Streamable> {
        Arc::new(Streamable {
            door: Arc::clone(&self.door),
            calls: Arc::clone(&self.calls),
            about: Arc::clone(&self.about),
            session,
            started: Started { era, said },
        })
    }

    fn modern(&self, said: Value) -> Arc<Streamable> {
        self.with(Era::Modern, None, said)
    }

    async fn discover(&self) -> Verdict {
        let asking = self.modern(Value::Null);
        let outgoing = Outgoing::new("server/discover", Patience::new(limits::DISCOVER));
        start::judge(asking.request(&outgoing).await)
    }

    async fn session(&self) -> Result<Arc<Streamable>, Error> {
        let patience = Patience::new(limits::START);
        let (session, said) = tokio::select! {
            begun = self.initialize(&patience) => begun?,
            () = patience.end() => return Err(Error::Timeout(patience.whole())),
        };
        let begun = self.with(start::negotiated(&said)?, session, said);
        begun.tell(&message::notification("notifications/initialized", &Value::Null)).await;
        let logs = begun.started.said.pointer("/capabilities/logging").is_some();
        if let Some(level) = self.about.log_level.as_ref().filter(|_| logs) {
            let mut outgoing = Outgoing::new("logging/setLevel", Patience::new(limits::START));
            outgoing.params.insert("level".to_owned(), json!(level));
            if let Err(reason) = begun.request(&outgoing).await {
                tracing::debug!(%reason, "a source does not take a level of log messages");
            }
        }
        Ok(begun)
    }

    async fn initialize(&self, patience: &Arc<Patience>) -> Result<(Option<String>, Value), Error> {
        let asking = self.with(Era::Session(start::SESSIONS[0]), None, Value::Null);
        let ticket = self.calls.begin(None, patience);
        let request = asking.post(ticket.id, &self.about.initialize(Arc::clone(patience)));
        let answer = self
            .door
            .send(&request)
            .await
            .map_err(|error| asking.explain(error, Some(ticket.id)))?;
        let session = session_id(answer.headers())?;
        let answer = Answer::new(answer, self.door.reservation()).await?;
        Ok((session, asking.finish(answer, ticket.id).await?))
    }
}

/// The identifier of the session, where the source keeps one.
fn session_id(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(value) = headers.get("mcp-session-id") else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
    match text {
        Some(text) if (1..=limits::IDENTIFIER).contains(&text.len()) => Ok(Some(text.to_owned())),
        _ => Err(Error::NotMcp("the identifier of its session is none".to_owned())),
    }
}
