//! One visitor of the program: a connection that is kept, a session that is kept, and how it asks.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use http::{Method, StatusCode};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::connection::{Answer, Begun, Connection, Http};
use crate::message;
use crate::stage::Stage;

/// A visitor.
pub(crate) struct Visitor {
    pub(crate) stage: Arc<Stage>,
    pub(crate) random: StdRng,
    http: Http,
    /// Its own, as the program counts callers without a token by address.
    address: Ipv4Addr,
    connection: Option<Connection>,
    /// A session that outlives the program.
    session: Option<String>,
    /// A connection to the admin door, and the session of the person there.
    admin: Option<Connection>,
    token: Option<String>,
}

impl Visitor {
    /// Every tenth speaks HTTP/2.
    pub(crate) fn new(stage: &Arc<Stage>, number: u64) -> Self {
        let http = if number % 10 == 9 { Http::Two } else { Http::One };
        Self {
            stage: Arc::clone(stage),
            random: StdRng::seed_from_u64(stage.plan.seed.wrapping_mul(1 << 20) + number),
            http,
            address: address(number),
            connection: None,
            session: None,
            admin: None,
            token: None,
        }
    }

    /// The connection that is kept.
    pub(crate) async fn connection(&mut self) -> Result<&mut Connection> {
        let open = self.connection.take().filter(|connection| !connection.is_closed());
        let open = match open {
            Some(open) => open,
            None => self.other_connection().await?,
        };
        Ok(self.connection.insert(open))
    }

    /// A connection beside the one that is kept.
    pub(crate) async fn other_connection(&self) -> Result<Connection> {
        Connection::open_from(self.address, &self.stage.mcp, self.http).await
    }

    /// Breaks the connection, with whatever is under way on it.
    pub(crate) fn leave(&mut self) {
        self.connection = None;
    }

    /// Asks alone; the result.
    pub(crate) async fn ask(&mut self, method: &str, params: &Value) -> Result<Value> {
        let id = self.stage.id();
        let request = message::modern(&self.stage.mcp, &id, method, params)?;
        let answer = self.connection().await?.ask(request).await?;
        result(&answer, &id)
    }

    /// Asks alone on the connection that is kept; the beginning of the answer, and the id.
    pub(crate) async fn begin(&mut self, method: &str, params: &Value) -> Result<(Begun, Value)> {
        let id = self.stage.id();
        let request = message::modern(&self.stage.mcp, &id, method, params)?;
        Ok((self.connection().await?.begin(request).await?, id))
    }

    /// Asks within a session; the result.
    pub(crate) async fn ask_in(
        &mut self,
        session: &str,
        method: &str,
        params: &Value,
    ) -> Result<Value> {
        let id = self.stage.id();
        let request = message::in_session(&self.stage.mcp, session, Some(&id), method, params)?;
        let answer = self.connection().await?.ask(request).await?;
        result(&answer, &id)
    }

    /// Sends what wants no answer within a session.
    pub(crate) async fn tell_in(&mut self, session: &str, message: &Value) -> Result<()> {
        let request = message::sent(&self.stage.mcp, session, message)?;
        // What is under way on the connection that is kept may wait for this.
        let answer = self.other_connection().await?.ask(request).await?;
        ensure!(answer.status == StatusCode::ACCEPTED, "{message}: {answer:?}");
        Ok(())
    }

    /// Opens a session.
    pub(crate) async fn open_session(&mut self) -> Result<String> {
        let id = self.stage.id();
        let request = message::initialize(&self.stage.mcp, &id)?;
        let answer = self.connection().await?.ask(request).await?;
        let result = result(&answer, &id)?;
        ensure!(
            result.get("protocolVersion").is_some_and(|named| named == message::LEGACY),
            "{result}"
        );
        let session = answer.headers.get(message::SESSION).context("the id of a session")?;
        let session = session.to_str()?.to_owned();
        let params = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.tell_in(&session, &params).await?;
        Ok(session)
    }

    /// The session that is kept; it goes on whatever happens to the program.
    pub(crate) async fn session(&mut self) -> Result<String> {
        if let Some(session) = &self.session {
            return Ok(session.clone());
        }
        let session = self.open_session().await?;
        self.session = Some(session.clone());
        Ok(session)
    }

    /// Ends the session that was kept, if there is one.
    pub(crate) async fn end_kept_session(&mut self) -> Result<()> {
        match self.session.take() {
            Some(session) => self.end_session(session).await,
            None => Ok(()),
        }
    }

    /// Ends a session, which is no more then.
    pub(crate) async fn end_session(&mut self, session: String) -> Result<()> {
        let request = message::bare(&self.stage.mcp, &session, Method::DELETE)?;
        let answer = self.connection().await?.ask(request).await?;
        ensure!(answer.status == StatusCode::NO_CONTENT, "DELETE: {answer:?}");
        self.finds_no_session(&session).await?;
        self.stage.kept.session_ended(session);
        Ok(())
    }

    /// Asks within a session that has ended.
    pub(crate) async fn finds_no_session(&mut self, session: &str) -> Result<()> {
        let id = self.stage.id();
        let request = message::in_session(&self.stage.mcp, session, Some(&id), "ping", &json!({}))?;
        let answer = self.connection().await?.ask(request).await?;
        ensure!(answer.status == StatusCode::NOT_FOUND, "a session that ended: {answer:?}");
        Ok(())
    }

    /// Calls a management tool that must succeed; its structured content.
    pub(crate) async fn manage(&mut self, name: &str, arguments: &Value) -> Result<Value> {
        match self.try_manage(name, arguments).await? {
            Ok(value) => Ok(value),
            Err(text) => bail!("{name} {arguments}: {text}"),
        }
    }

    /// Calls a management tool; its structured content, or the text of its error.
    pub(crate) async fn try_manage(
        &mut self,
        name: &str,
        arguments: &Value,
    ) -> Result<Result<Value, String>> {
        let params = json!({"name": name, "arguments": arguments});
        let mut result = self.ask("tools/call", &params).await?;
        Ok(if result.get("isError") == Some(&Value::Bool(false)) {
            Ok(result.get_mut("structuredContent").map(Value::take).unwrap_or_default())
        } else {
            Err(result.pointer("/content/0/text").map(Value::to_string).unwrap_or_default())
        })
    }

    /// Asks the JSON API as a person; what it answers.
    pub(crate) async fn api(&mut self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let token = self.token().await?;
        let request = message::api(&self.stage.admin, &token, method, path, body)?;
        let mut answer = self.admin().await?.ask(request).await?;
        ensure!(answer.status.is_success(), "{path}: {answer:?}");
        Ok(answer.messages.pop().unwrap_or_default())
    }

    /// The text of `/metrics`.
    pub(crate) async fn metrics(&mut self) -> Result<String> {
        let token = self.token().await?;
        let request =
            message::api(&self.stage.admin, &token, Method::GET, "/metrics", &Value::Null)?;
        let begun = self.admin().await?.begin(request).await?;
        ensure!(begun.status == StatusCode::OK, "/metrics: {}", begun.status);
        begun.text().await
    }

    /// The session of the person, which outlives the program.
    async fn token(&mut self) -> Result<String> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let (username, password) = testkit::program::ACCOUNT;
        let account = json!({"username": username, "password": password});
        let mut signed_in = None;
        for path in ["/auth/setup", "/auth/login"] {
            let request = message::api(&self.stage.admin, "none", Method::POST, path, &account)?;
            signed_in = self.admin().await?.ask(request).await?.messages.pop();
        }
        let signed_in = signed_in.context("an answer")?;
        let token = signed_in.get("access_token").and_then(Value::as_str);
        let token = token.with_context(|| format!("a token: {signed_in}"))?.to_owned();
        self.token = Some(token.clone());
        Ok(token)
    }

    /// Signs in anew before the next request of a person.
    pub(crate) fn forget_token(&mut self) {
        self.token = None;
    }

    async fn admin(&mut self) -> Result<&mut Connection> {
        let open = self.admin.take().filter(|connection| !connection.is_closed());
        let open = match open {
            Some(open) => open,
            None => Connection::open(&self.stage.admin, Http::One).await?,
        };
        Ok(self.admin.insert(open))
    }
}

/// An address of this machine for each visitor.
fn address(number: u64) -> Ipv4Addr {
    let [.., high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

/// The result in an answer that has one and belongs to that id; messages of a stream may come before it.
pub(crate) fn result(answer: &Answer, id: &Value) -> Result<Value> {
    let last = answer.messages.last().with_context(|| format!("a message: {answer:?}"))?;
    ensure!(answer.status == StatusCode::OK, "{}: {last}", answer.status);
    result_of(last, id)
}

/// The result in a response that belongs to that id.
pub(crate) fn result_of(message: &Value, id: &Value) -> Result<Value> {
    ensure!(message.get("id") == Some(id), "an answer to {id}: {message}");
    ensure!(message.get("jsonrpc").is_some_and(|named| named == "2.0"), "{message}");
    message.get("result").cloned().with_context(|| format!("a result: {message}"))
}
