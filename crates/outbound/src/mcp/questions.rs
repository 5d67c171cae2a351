//! Questions that the result of a call ends with: answered by who listens to the call.

use super::about::Outgoing;
use super::error::{Error, RpcError};
use super::limits;
use futures::future::join_all;
use serde_json::{Map, Value};
use std::time::Duration;

/// Has the questions answered that a result ended with; the answers, under the same names.
pub(crate) async fn answer(
    outgoing: &Outgoing,
    questions: Option<Value>,
    round: usize,
) -> Result<Option<Value>, Error> {
    let Some(Value::Object(questions)) = questions else {
        // It only wants to be asked again: not at once.
        let wait = Duration::from_millis(50) * (1 << round.min(5));
        tokio::time::sleep(wait).await;
        return Ok(None);
    };
    if questions.len() > limits::QUESTIONS {
        return Err(Error::NotMcp("its tool asks too many questions at once".to_owned()));
    }
    let _pause = outgoing.patience.pause();
    let answers = join_all(questions.iter().map(async |(name, question)| {
        let method = question.get("method").and_then(Value::as_str).unwrap_or_default();
        let params = question.get("params").unwrap_or(&Value::Null);
        let answered = match &outgoing.listener {
            Some(listener) => listener.asked(method, params).await,
            None => Err(RpcError::unknown_method(method)),
        };
        let unanswered =
            |error| Error::Unanswered { method: method.to_owned(), error: Box::new(error) };
        answered.map(|answer| (name.clone(), answer)).map_err(unanswered)
    }))
    .await;
    let answers = answers.into_iter().collect::<Result<Map<_, _>, _>>()?;
    Ok(Some(Value::Object(answers)))
}
