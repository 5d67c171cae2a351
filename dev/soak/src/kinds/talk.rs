//! Calls that say something before their result, are taken back, left, or ask their client.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::calls;
use crate::connection::{Begun, Gone};
use crate::visitor::{Visitor, result_of};
use crate::{message, tools};

pub(super) async fn progress(visitor: &mut Visitor) -> Result<()> {
    let number = visitor.stage.number();
    let mut params = call("steps", number);
    if let Some(params) = params.as_object_mut() {
        params.insert("_meta".to_owned(), json!({"progressToken": number}));
    }
    let (mut stream, id) = visitor.begin("tools/call", &params).await?;
    ensure!(stream.is_stream(), "a stream: {}", stream.status);
    let mut last = 0.0;
    loop {
        let message = stream.next().await?.context(Gone)?;
        if message.get("id").is_some() {
            let result = result_of(&message, &id)?;
            calls::is(&result, &json!({"number": number, "steps": 5}))?;
            ensure!(last >= 5.0, "the last step is missing: {last}");
            ensure!(stream.next().await?.is_none(), "something behind the answer");
            visitor.stage.kept.call(number);
            return Ok(());
        }
        let params = message.get("params").context("parameters")?;
        ensure!(params.get("progressToken") == Some(&json!(number)), "{message}");
        let step = params.get("progress").and_then(Value::as_f64).context("progress")?;
        ensure!(step > last, "{step} after {last}");
        last = step;
    }
}

/// Takes a call back that runs in a session: its stream ends without an answer.
pub(super) async fn cancel(visitor: &mut Visitor) -> Result<()> {
    let session = visitor.session().await?;
    let id = visitor.stage.id();
    let params = call("wait", visitor.stage.number());
    let request =
        message::in_session(&visitor.stage.mcp, &session, Some(&id), "tools/call", &params)?;
    let mut stream = visitor.connection().await?.begin(request).await?;
    let first = stream.next().await?.context(Gone)?;
    ensure!(first.pointer("/params/data") == Some(&json!("waiting")), "{first}");
    sleep(pause(visitor)).await;
    let params = json!({"requestId": id, "reason": "changed my mind"});
    let cancelled =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
    visitor.tell_in(&session, &cancelled).await?;
    let rest = stream.next().await?;
    ensure!(rest.is_none(), "an answer to what was taken back: {rest:?}");
    Ok(())
}

/// Goes away in the middle of a call.
pub(super) async fn leave(visitor: &mut Visitor) -> Result<()> {
    let params = call("wait", visitor.stage.number());
    let later = pause(visitor);
    let answered = tokio::time::timeout(later, visitor.begin("tools/call", &params)).await;
    visitor.leave();
    match answered {
        Ok(begun) => bail!("a call that takes longer was answered: {}", begun?.0.status),
        Err(_elapsed) => Ok(()),
    }
}

/// Is asked and answers by asking again.
pub(super) async fn elicit_alone(visitor: &mut Visitor) -> Result<()> {
    let stage = Arc::clone(&visitor.stage);
    let _question = stage.question().await?;
    let number = visitor.stage.number();
    let mut params = call("greet", number);
    let asked = visitor.ask("tools/call", &params).await?;
    let requests = asked.get("inputRequests").and_then(Value::as_object);
    let key = requests.and_then(|requests| requests.keys().next());
    let key = key.with_context(|| format!("a question: {asked}"))?;
    let (reply, said) = reply(visitor);
    if let Some(params) = params.as_object_mut() {
        params.insert("inputResponses".to_owned(), json!({key: reply}));
        params.insert(
            "requestState".to_owned(),
            asked.get("requestState").cloned().unwrap_or_default(),
        );
    }
    let result = visitor.ask("tools/call", &params).await?;
    calls::is(&result, &json!({"number": number, "said": said}))?;
    visitor.stage.kept.call(number);
    Ok(())
}

/// Is asked on the stream of its call and answers by another request.
pub(super) async fn elicit_in_session(visitor: &mut Visitor) -> Result<()> {
    let stage = Arc::clone(&visitor.stage);
    let _question = stage.question().await?;
    let session = visitor.session().await?;
    let number = visitor.stage.number();
    let id = visitor.stage.id();
    let params = call("greet", number);
    let request =
        message::in_session(&visitor.stage.mcp, &session, Some(&id), "tools/call", &params)?;
    let mut stream: Begun = visitor.connection().await?.begin(request).await?;
    let question = stream.next().await?.context(Gone)?;
    let is_question = question.get("method").is_some_and(|method| method == "elicitation/create");
    ensure!(is_question, "a question: {question}");
    let (reply, said) = reply(visitor);
    let answer = json!({"jsonrpc": "2.0", "id": question.get("id"), "result": reply});
    visitor.tell_in(&session, &answer).await?;
    let message = stream.next().await?.context(Gone)?;
    calls::is(&result_of(&message, &id)?, &json!({"number": number, "said": said}))?;
    ensure!(stream.next().await?.is_none(), "something behind the answer");
    visitor.stage.kept.call(number);
    Ok(())
}

fn call(tool: &str, number: u64) -> Value {
    json!({"name": format!("{}__{tool}", tools::SERVER), "arguments": {"number": number}})
}

/// What somebody answers, and what the tool then says.
fn reply(visitor: &mut Visitor) -> (Value, String) {
    if visitor.random.random_bool(0.8) {
        let name = format!("guest {}", visitor.stage.number());
        (json!({"action": "accept", "content": {"name": name}}), name)
    } else {
        (json!({"action": "decline"}), "decline".to_owned())
    }
}

fn pause(visitor: &mut Visitor) -> Duration {
    Duration::from_millis(visitor.random.random_range(1..300))
}
