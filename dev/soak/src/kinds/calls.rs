//! Calls of tools, prompts and resources, each answer held against what was asked.

use anyhow::{Context as _, Result, ensure};
use rand::RngExt as _;
use serde_json::{Value, json};

use crate::tools;
use crate::visitor::Visitor;

pub(super) async fn add(visitor: &mut Visitor) -> Result<()> {
    let [left, right] = [(); 2].map(|()| visitor.random.random_range(0..1_000_000_u64));
    let number = visitor.stage.number();
    let arguments = json!({"number": number, "left": left, "right": right});
    let result = called(visitor, "add", &arguments).await?;
    is(&result, &json!({"number": number, "sum": left + right}))?;
    visitor.stage.kept.call(number);
    Ok(())
}

/// Works for some milliseconds.
pub(super) async fn primes(visitor: &mut Visitor) -> Result<()> {
    let below = visitor.random.random_range(1_000..20_000);
    let number = visitor.stage.number();
    let result = called(visitor, "primes", &json!({"number": number, "below": below})).await?;
    is(&result, &json!({"number": number, "primes": tools::primes_below(below)}))?;
    visitor.stage.kept.call(number);
    Ok(())
}

/// Takes and gives some kilobytes.
pub(super) async fn repeat(visitor: &mut Visitor) -> Result<()> {
    let text = "größe ".repeat(visitor.random.random_range(1..2_000));
    let times = visitor.random.random_range(1..4_u64);
    let number = visitor.stage.number();
    let arguments = json!({"number": number, "text": text, "times": times});
    let result = called(visitor, "repeat", &arguments).await?;
    let repeated = text.repeat(usize::try_from(times)?);
    is(&result, &json!({"number": number, "text": repeated}))?;
    visitor.stage.kept.call(number);
    Ok(())
}

pub(super) async fn fail(visitor: &mut Visitor) -> Result<()> {
    let number = visitor.stage.number();
    let result = called(visitor, "fail", &json!({"number": number})).await?;
    let text = result.pointer("/content/0/text").and_then(Value::as_str).unwrap_or_default();
    let is_failure = result.get("isError") == Some(&Value::Bool(true));
    ensure!(is_failure && text.contains(&format!("number {number} is to fail")), "{result}");
    visitor.stage.kept.call(number);
    Ok(())
}

pub(super) async fn prompt(visitor: &mut Visitor) -> Result<()> {
    let topic = format!("topic {}", visitor.stage.number());
    let params = json!({"name": "load__words", "arguments": {"topic": topic, "words": "7"}});
    let result = visitor.ask("prompts/get", &params).await?;
    let text = result.pointer("/messages/0/content/text");
    ensure!(text == Some(&json!(format!("7 words on {topic}"))), "{result}");
    Ok(())
}

pub(super) async fn resource(visitor: &mut Visitor) -> Result<()> {
    let day = visitor.stage.number().to_string();
    let params = json!({"uri": format!("load://notes/{day}")});
    let result = visitor.ask("resources/read", &params).await?;
    let text = result.pointer("/contents/0/text").and_then(Value::as_str).unwrap_or_default();
    let value: Value = serde_json::from_str(text).with_context(|| result.to_string())?;
    ensure!(value == json!({"day": day}), "{result}");
    Ok(())
}

/// Calls one of the tools, alone or within the session that is kept.
async fn called(visitor: &mut Visitor, tool: &str, arguments: &Value) -> Result<Value> {
    let params = json!({"name": format!("{}__{tool}", tools::SERVER), "arguments": arguments});
    if visitor.random.random_bool(0.7) {
        visitor.ask("tools/call", &params).await
    } else {
        let session = visitor.session().await?;
        visitor.ask_in(&session, "tools/call", &params).await
    }
}

/// Holds structured content, and the text of the same, against what it should be.
pub(super) fn is(result: &Value, expected: &Value) -> Result<()> {
    ensure!(result.get("isError") == Some(&Value::Bool(false)), "{result}");
    ensure!(result.get("structuredContent") == Some(expected), "{expected} expected: {result}");
    let text = result.pointer("/content/0/text").and_then(Value::as_str).context("a text")?;
    let told: Value = serde_json::from_str(text)?;
    ensure!(told == *expected, "{expected} expected: {text}");
    Ok(())
}
