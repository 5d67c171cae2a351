//! Streams on which clients hear of changes; each waits for one and then breaks its connection.

use anyhow::{Context as _, Result, bail, ensure};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::connection::Begun;
use crate::message;
use crate::visitor::Visitor;

const CHANGED: &str = "notifications/tools/list_changed";

/// The stream of a session of its own.
pub(super) async fn of_session(visitor: &mut Visitor) -> Result<()> {
    let session = visitor.open_session().await?;
    let request = message::bare(&visitor.stage.mcp, &session, Method::GET)?;
    let mut connection = visitor.other_connection().await?;
    let mut stream = connection.begin(request).await?;
    ensure!(stream.status == StatusCode::OK && stream.is_stream(), "GET: {}", stream.status);
    hears(&mut stream).await?;
    visitor.end_session(session).await?;
    ensure!(
        stream.next().await?.is_none_or(|message| message.get("method").is_some()),
        "an answer"
    );
    Ok(())
}

/// `subscriptions/listen`.
pub(super) async fn listen(visitor: &mut Visitor) -> Result<()> {
    let id = visitor.stage.id();
    let params = json!({"notifications": {"toolsListChanged": true}});
    let request = message::modern(&visitor.stage.mcp, &id, "subscriptions/listen", &params)?;
    let mut connection = visitor.other_connection().await?;
    let mut stream = connection.begin(request).await?;
    ensure!(stream.status == StatusCode::OK && stream.is_stream(), "listen: {}", stream.status);
    let first = stream.next().await?.context("an acknowledgement")?;
    let is_acknowledged = method(&first) == "notifications/subscriptions/acknowledged";
    ensure!(is_acknowledged && subscription(&first) == Some(&id), "{first}");
    let change = hears(&mut stream).await?;
    ensure!(subscription(&change) == Some(&id), "{change}");
    Ok(())
}

async fn hears(stream: &mut Begun) -> Result<Value> {
    while let Some(message) = stream.next().await? {
        if method(&message) == CHANGED {
            return Ok(message);
        }
        ensure!(message.get("id").is_none(), "nobody asked: {message}");
    }
    bail!("the stream ended")
}

fn method(message: &Value) -> &str {
    message.get("method").and_then(Value::as_str).unwrap_or_default()
}

fn subscription(message: &Value) -> Option<&Value> {
    message.pointer("/params/_meta")?.get("io.modelcontextprotocol/subscriptionId")
}
