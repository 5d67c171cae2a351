//! The questions of a tool whose client answers them by repeating its request (revision 2026-07-28, multi round-trip requests).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::conversation::{AskError, Question};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::WeakSender;
use tokio::sync::oneshot;

use crate::exchange::Frame;

/// How long questions of the same step are waited for.
const GATHERING: Duration = Duration::from_millis(100);

/// The questions of one call.
#[derive(Default)]
pub(crate) struct Questions {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What the client answered before it was asked.
    given: Map<String, Value>,
    open: Vec<Open>,
    /// How many of this step have come.
    gathered: usize,
}

struct Open {
    key: String,
    request: Value,
    reply: oneshot::Sender<Value>,
    /// Whether the client was told.
    is_told: bool,
}

impl Questions {
    /// With what the client answered beforehand, by the key that each question will have.
    pub(crate) fn with(given: Map<String, Value>) -> Self {
        Self { state: Mutex::new(State { given, ..State::default() }) }
    }

    /// Asks; the client is told once all questions of the same step have come.
    pub(crate) async fn ask(
        self: Arc<Self>,
        line: WeakSender<Frame>,
        method: &'static str,
        question: Question,
    ) -> Result<Value, AskError> {
        let Question { key, params, together, .. } = question;
        let (reply, mut answer) = oneshot::channel();
        let (is_last, given) = {
            let mut state = self.state();
            state.gathered += 1;
            let is_last = state.gathered >= together;
            let given = state.given.remove(&key);
            if given.is_none() {
                let request = json!({ "method": method, "params": params });
                let key = state.free_key(key);
                state.open.push(Open { key, request, reply, is_told: false });
            }
            (is_last, given)
        };
        if is_last {
            self.tell(&line).await;
        }
        if let Some(given) = given {
            return Ok(given);
        }
        if !is_last {
            // The last of this step may never come; then those that have are asked alone.
            if let Ok(answered) = tokio::time::timeout(GATHERING, &mut answer).await {
                return answered.map_err(|_gone| AskError::Gone);
            }
            self.tell(&line).await;
        }
        answer.await.map_err(|_gone| AskError::Gone)
    }

    /// Has the client told, if there is something that it was not told.
    async fn tell(&self, line: &WeakSender<Frame>) {
        let news = {
            let mut state = self.state();
            state.gathered = 0;
            state.open.iter().any(|open| !open.is_told)
        };
        if news && let Some(line) = line.upgrade() {
            let _ended = line.send(Frame::Asked).await.is_err();
        }
    }

    /// The requests that wait for an answer, by key; they count as told now.
    pub(crate) fn open(&self) -> Map<String, Value> {
        let mut state = self.state();
        // Nobody waits any more for one whose time is over.
        state.open.retain(|open| !open.reply.is_closed());
        for open in &mut state.open {
            open.is_told = true;
        }
        state.open.iter().map(|open| (open.key.clone(), open.request.clone())).collect()
    }

    /// Passes on the answers; those to keys that nobody asked are left. Whether questions that the
    /// client was told still wait.
    pub(crate) fn answer(&self, mut answers: Map<String, Value>) -> bool {
        let mut state = self.state();
        let (answered, open): (Vec<_>, Vec<_>) = std::mem::take(&mut state.open)
            .into_iter()
            .partition(|open| answers.contains_key(&open.key));
        state.open = open;
        for open in answered {
            if let Some(answer) = answers.remove(&open.key) {
                let _too_late = open.reply.send(answer).is_err();
            }
        }
        state.open.retain(|open| !open.reply.is_closed());
        state.open.iter().any(|open| open.is_told)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Two questions that are open at once have different keys.
    fn free_key(&self, key: String) -> String {
        let is_taken = |key: &str| self.open.iter().any(|open| open.key == key);
        if !is_taken(&key) {
            return key;
        }
        let numbers = 2..self.open.len() + 3;
        numbers.map(|number| format!("{key}-{number}")).find(|key| !is_taken(key)).unwrap_or(key)
    }
}

#[cfg(test)]
mod tests {
    use app::conversation::QuestionKind;
    use tokio::sync::mpsc;

    use super::*;

    fn question(key: &str, together: usize) -> Question {
        Question { key: key.to_owned(), kind: QuestionKind::Elicit, params: Map::new(), together }
    }

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(members) => members,
            other => panic!("no object: {other}"),
        }
    }

    #[tokio::test]
    async fn questions_of_one_step_are_told_together_and_answered_by_key() {
        let questions = Arc::new(Questions::default());
        let (line, mut frames) = mpsc::channel(8);
        let ask = |key| {
            let asked = Arc::clone(&questions).ask(line.downgrade(), "a/b", question(key, 2));
            tokio::spawn(asked)
        };
        let (one, two) = (ask("one"), ask("two"));
        assert!(matches!(frames.recv().await, Some(Frame::Asked)));
        let open = questions.open();
        assert_eq!(open["one"], json!({"method": "a/b", "params": {}}));
        assert_eq!(open.len(), 2);
        assert!(questions.answer(object(json!({"two": {"b": 2}, "other": {}}))), "one still waits");
        assert_eq!(two.await.unwrap(), Ok(json!({"b": 2})));
        assert!(!questions.answer(object(json!({"one": {"a": 1}}))));
        assert_eq!(one.await.unwrap(), Ok(json!({"a": 1})));
        assert!(questions.open().is_empty());
    }

    #[tokio::test]
    async fn what_was_answered_before_is_not_asked() {
        let questions = Arc::new(Questions::with(object(json!({"a": {"action": "accept"}}))));
        let (line, mut frames) = mpsc::channel(8);
        let ask = |key, together| {
            Arc::clone(&questions).ask(line.downgrade(), "a/b", question(key, together))
        };
        assert_eq!(ask("a", 1).await, Ok(json!({"action": "accept"})));
        let again = tokio::spawn(ask("a", 1));
        assert!(matches!(frames.recv().await, Some(Frame::Asked)));
        assert_eq!(questions.open().len(), 1, "an answer is taken once");
        drop(again);
    }

    #[tokio::test]
    async fn one_whose_fellows_never_come_is_told_alone() {
        let questions = Arc::new(Questions::default());
        let (line, mut frames) = mpsc::channel(8);
        let asked = Arc::clone(&questions).ask(line.downgrade(), "a/b", question("a", 5));
        let asked = tokio::spawn(asked);
        assert!(matches!(frames.recv().await, Some(Frame::Asked)));
        questions.answer(object(json!({"a": {}})));
        assert_eq!(asked.await.unwrap(), Ok(json!({})));
    }

    #[tokio::test]
    async fn the_same_key_twice_at_once_stays_two_questions() {
        let questions = Arc::new(Questions::default());
        let (line, mut frames) = mpsc::channel(8);
        let ask = || Arc::clone(&questions).ask(line.downgrade(), "a/b", question("a", 2));
        let asked = (tokio::spawn(ask()), tokio::spawn(ask()));
        assert!(matches!(frames.recv().await, Some(Frame::Asked)));
        let keys: Vec<_> = questions.open().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["a", "a-2"]);
        drop(asked);
    }
}
