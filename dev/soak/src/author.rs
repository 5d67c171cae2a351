//! A model and a person who make, approve and delete tools while the load is on.

use anyhow::{Context as _, Result, ensure};
use http::Method;
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::kept::State;
use crate::stage::Stage;
use crate::tools::{self, Made};
use crate::visitor::Visitor;

/// Between one tool and the next.
const PAUSE: Duration = Duration::from_millis(300);

/// How long a tool that is live may stay unknown to a client that asks again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most tools that one decision approves.
const MOST: usize = 100;

/// Makes all that stays: the servers and what is called on them.
pub(crate) async fn begin(visitor: &mut Visitor) -> Result<()> {
    let load = server(visitor, tools::SERVER).await?;
    for Made { name, kind, code, more } in &tools::ALL {
        let mut new = json!({"name": name, "kind": kind, "python_code": code});
        if let (Some(new), Value::Object(more)) = (new.as_object_mut(), more()) {
            new.extend(more);
        }
        let id = made(visitor, &load, new).await?;
        visitor.stage.kept.name(name, &id);
        approve(visitor, &[id]).await?;
    }
    let many = server(visitor, tools::MANY).await?;
    let mut ids = Vec::new();
    for number in 0..visitor.stage.plan.listed {
        let new = json!({"name": format!("tool_{number:03}"), "python_code": tools::LATE});
        ids.push(made(visitor, &many, new).await?);
    }
    for ids in ids.chunks(MOST) {
        approve(visitor, ids).await?;
    }
    let grown = server(visitor, tools::GROWN).await?;
    visitor.stage.kept.name(tools::GROWN, &grown);
    Ok(())
}

/// Makes a tool, has it approved, calls it and mostly deletes it again.
pub(crate) async fn goes_on(visitor: &mut Visitor) -> Result<()> {
    if visitor.random.random_bool(0.2) {
        visitor.forget_token();
    }
    let server = visitor.stage.kept.named(tools::GROWN)?;
    let number = visitor.stage.number();
    let name = format!("late_{number}");
    let id = made(visitor, &server, json!({"name": name, "python_code": tools::LATE})).await?;
    approve(visitor, std::slice::from_ref(&id)).await?;
    is_called(visitor, &format!("{}__{name}", tools::GROWN)).await?;
    if visitor.random.random_bool(0.8) {
        visitor.stage.kept.tool(&id, State::Leaving);
        visitor.manage("mcpbox_delete_tool", &json!({"tool_id": id})).await?;
        visitor.stage.kept.tool(&id, State::Deleted);
    }
    sleep(PAUSE).await;
    Ok(())
}

async fn server(visitor: &mut Visitor, name: &str) -> Result<String> {
    text_of(&visitor.manage("mcpbox_create_server", &json!({"name": name})).await?, "id")
}

async fn made(visitor: &mut Visitor, server: &str, mut new: Value) -> Result<String> {
    if let Some(new) = new.as_object_mut() {
        new.insert("server_id".to_owned(), json!(server));
    }
    let id = text_of(&visitor.manage("mcpbox_create_tool", &new).await?, "id")?;
    visitor.stage.kept.tool(&id, State::Made);
    let filed = visitor.manage("mcpbox_request_publish", &json!({"tool_id": id})).await?;
    ensure!(filed.get("status").is_some_and(|status| status == "pending_review"), "{filed}");
    Ok(id)
}

async fn approve(visitor: &mut Visitor, ids: &[String]) -> Result<()> {
    let many = json!({"tool_ids": ids, "action": "approve"});
    let done = visitor.api(Method::POST, "/api/approvals/tools/bulk-action", &many).await?;
    ensure!(done.get("processed_count") == Some(&json!(ids.len())), "{done}");
    for id in ids {
        visitor.stage.kept.tool(id, State::Approved);
    }
    Ok(())
}

async fn is_called(visitor: &mut Visitor, name: &str) -> Result<()> {
    let number = visitor.stage.number();
    let params = json!({"name": name, "arguments": {"number": number}});
    let result = visitor.ask("tools/call", &params).await?;
    ensure!(result.pointer("/structuredContent/result") == Some(&json!(number + 1)), "{result}");
    visitor.stage.kept.call(number);
    Ok(())
}

fn text_of(value: &Value, field: &str) -> Result<String> {
    let text = value.get(field).and_then(Value::as_str);
    Ok(text.with_context(|| format!("{field}: {value}"))?.to_owned())
}

/// Waits until nothing runs, waits or is streamed any more.
pub(crate) async fn idle(stage: &Stage, visitor: &mut Visitor) -> Result<()> {
    let began = Instant::now();
    loop {
        let metrics = visitor.metrics().await?;
        let busy: Vec<&str> = metrics.lines().filter(|line| is_busy(line)).collect();
        if busy.is_empty() {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE * 6, "{} is left behind: {busy:?}", stage.mcp);
        sleep(Duration::from_millis(100)).await;
    }
}

/// Whether a line of the metrics says that something is under way at the MCP door.
fn is_busy(line: &str) -> bool {
    const GAUGES: [&str; 6] = [
        "mcpbox_calls_running ",
        "mcpbox_calls_waiting ",
        "mcpbox_calls_suspended ",
        "mcpbox_streams{",
        "mcpbox_http_requests_open{door=\"mcp\"}",
        "mcpbox_http_connections{door=\"mcp\"}",
    ];
    let value = line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
    GAUGES.iter().any(|gauge| line.starts_with(gauge)) && value.is_some_and(|value| value != 0.0)
}
