//! Sessions: one that is opened, used and ended, and one that is kept.

use anyhow::{Result, ensure};
use serde_json::json;

use super::calls;
use crate::tools;
use crate::visitor::Visitor;

pub(super) async fn short(visitor: &mut Visitor) -> Result<()> {
    let session = visitor.open_session().await?;
    let pong = visitor.ask_in(&session, "ping", &json!({})).await?;
    ensure!(pong == json!({}), "{pong}");
    add(visitor, &session).await?;
    visitor.ask_in(&session, "logging/setLevel", &json!({"level": "warning"})).await?;
    visitor.end_session(session).await
}

pub(super) async fn kept(visitor: &mut Visitor) -> Result<()> {
    let session = visitor.session().await?;
    add(visitor, &session).await
}

async fn add(visitor: &mut Visitor, session: &str) -> Result<()> {
    let number = visitor.stage.number();
    let arguments = json!({"number": number, "left": 1, "right": 2});
    let params = json!({"name": format!("{}__add", tools::SERVER), "arguments": arguments});
    let result = visitor.ask_in(session, "tools/call", &params).await?;
    calls::is(&result, &json!({"number": number, "sum": 3}))?;
    visitor.stage.kept.call(number);
    Ok(())
}
