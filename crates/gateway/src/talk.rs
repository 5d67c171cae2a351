//! What a running tool says to the client of its call, and asks of it, in the form of the client's revision.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use app::conversation::{
    Abilities, AskError, Conversation, Level, LogEntry, Progress, Question, QuestionKind,
};
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::WeakSender;

use crate::exchange::Frame;
use crate::questions::Questions;
use crate::session::Session;
use crate::suspended::Binding;
use crate::version::Version;
use crate::{question, rpc};

/// By how much a sign of life raises the progress, which must grow each time.
const HEARTBEAT_STEP: f64 = 1e-6;

/// One side of the talk between a tool and its client.
pub(crate) struct Talk {
    pub(crate) line: WeakSender<Frame>,
    pub(crate) version: Version,
    pub(crate) abilities: Abilities,
    /// Whether the client takes a stream of events as the answer.
    pub(crate) streams: bool,
    pub(crate) way: Way,
    pub(crate) progress: Mutex<Option<Meter>>,
}

/// How a client is asked, and how it says what it wants to hear.
pub(crate) enum Way {
    /// By requests of this server, within a session.
    Session(Arc<Session>),
    /// By the answer to its own request, which it then repeats.
    Alone {
        /// From which level on it hears what is logged; nothing where it is none.
        level: Option<Level>,
        questions: Arc<Questions>,
        /// Which requests go on with the call.
        binding: Binding,
    },
}

/// What of a call's progress the client was told.
pub(crate) struct Meter {
    token: Value,
    last: Option<f64>,
}

impl Meter {
    /// For a client that gave this token, which is a text or a number.
    pub(crate) fn new(meta: Option<&Value>) -> Option<Self> {
        let token = meta?.get("progressToken")?;
        (token.is_string() || token.is_number()).then(|| Self { token: token.clone(), last: None })
    }

    /// The notification of a value that is larger than all before it.
    fn notification(&mut self, progress: &Progress) -> String {
        let value = match self.last {
            Some(last) if progress.progress <= last => (last + HEARTBEAT_STEP).max(last.next_up()),
            _ => progress.progress,
        };
        self.last = Some(value);
        let mut params = Map::new();
        params.insert("progressToken".to_owned(), self.token.clone());
        params.insert("progress".to_owned(), number(value));
        if let Some(total) = progress.total {
            params.insert("total".to_owned(), number(total));
        }
        if let Some(message) = &progress.message {
            params.insert("message".to_owned(), Value::from(message.as_str()));
        }
        rpc::notification("notifications/progress", &Value::Object(params))
    }

    /// A sign of life that changes next to nothing.
    fn sign_of_life(&mut self) -> String {
        let progress = self.last.unwrap_or(0.0);
        self.notification(&Progress { progress, total: None, message: None })
    }
}

/// A whole number without a point, as authors write it.
fn number(value: f64) -> Value {
    let whole = value.fract() == 0.0 && value.abs() < 1e15;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
    if whole { Value::from(value as i64) } else { Value::from(value) }
}

impl Talk {
    /// Says something; whoever does not read in time misses it.
    fn say(&self, message: String) {
        if !self.streams {
            return;
        }
        if let Some(line) = self.line.upgrade() {
            let _missed = line.try_send(Frame::Message(message)).is_err();
        }
    }

    /// What is sent where nothing was for a while: a sign of life that clients count, for those that
    /// listen to progress.
    pub(crate) fn sign_of_life(&self) -> Option<String> {
        self.meter().as_mut().map(Meter::sign_of_life)
    }

    /// Goes on with another request of the client, which has a token of its own.
    pub(crate) fn go_on(&self, meta: Option<&Value>) {
        *self.meter() = Meter::new(meta);
    }

    fn meter(&self) -> MutexGuard<'_, Option<Meter>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lacks(&self, question: &Question) -> Option<&'static str> {
        let abilities = self.abilities;
        let (can, capability) = match question.kind {
            QuestionKind::Elicit if question::is_address(question) => {
                (abilities.elicit_url, "elicitation.url")
            }
            // A client that names no mode has forms.
            QuestionKind::Elicit if abilities.elicit_url => {
                (abilities.elicit_form, "elicitation.form")
            }
            QuestionKind::Elicit => (abilities.elicit_form, "elicitation"),
            QuestionKind::Sample => (abilities.sample, "sampling"),
            QuestionKind::Roots => (abilities.roots, "roots"),
        };
        (!can).then_some(capability)
    }
}

impl Conversation for Talk {
    fn abilities(&self) -> Abilities {
        self.abilities
    }

    fn progress(&self, progress: Progress) {
        let notification = self.meter().as_mut().map(|meter| meter.notification(&progress));
        if let Some(notification) = notification {
            self.say(notification);
        }
    }

    fn log(&self, entry: LogEntry) {
        let from = match &self.way {
            Way::Session(session) => Some(session.level()),
            Way::Alone { level, .. } => *level,
        };
        if from.is_none_or(|from| entry.level < from) {
            return;
        }
        let mut params = json!({ "level": entry.level.as_str(), "data": entry.data });
        if let (Some(logger), Some(params)) = (entry.logger, params.as_object_mut()) {
            params.insert("logger".to_owned(), Value::from(logger));
        }
        self.say(rpc::notification("notifications/message", &params));
    }

    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Value, AskError>> {
        if let Some(capability) = self.lacks(&question) {
            return Box::pin(std::future::ready(Err(AskError::Unsupported { capability })));
        }
        let method = method_of(question.kind);
        match &self.way {
            Way::Session(session) => {
                let params = question::in_session(self.version, question);
                let line = self.streams.then(|| self.line.clone());
                Box::pin(Arc::clone(session).ask(line, method, params))
            }
            Way::Alone { questions, .. } => {
                Box::pin(Arc::clone(questions).ask(self.line.clone(), method, question))
            }
        }
    }
}

fn method_of(kind: QuestionKind) -> &'static str {
    match kind {
        QuestionKind::Elicit => "elicitation/create",
        QuestionKind::Sample => "sampling/createMessage",
        QuestionKind::Roots => "roots/list",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        let message: Value = serde_json::from_str(text).unwrap();
        message["params"].clone()
    }

    #[test]
    fn progress_grows_each_time_whatever_a_tool_says() {
        let meter = Meter::new(Some(&json!({"progressToken": "t"})));
        let mut meter = meter.unwrap();
        let mut tell = |progress: f64| {
            let total = Some(100.0);
            value(&meter.notification(&Progress { progress, total, message: None }))
        };
        assert_eq!(tell(0.0), json!({"progressToken": "t", "progress": 0, "total": 100}));
        let mut last = 0.0;
        for progress in [50.0, 50.0, 10.0, 1e300, 1e300] {
            let told = tell(progress)["progress"].as_f64().unwrap();
            assert!(told > last, "{told} after {last}");
            last = told;
        }
        let before = meter.last.unwrap();
        assert!(value(&meter.sign_of_life())["progress"].as_f64().unwrap() > before);
    }

    #[test]
    fn only_texts_and_numbers_are_tokens() {
        assert!(Meter::new(Some(&json!({"progressToken": 7}))).is_some());
        for meta in [json!({}), json!({"progressToken": null}), json!({"progressToken": {}})] {
            assert!(Meter::new(Some(&meta)).is_none(), "{meta}");
        }
    }
}
