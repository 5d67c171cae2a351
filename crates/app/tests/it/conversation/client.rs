//! A client that answers each question as it was told to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::conversation::{Abilities, AskError, Conversation, LogEntry, Progress, Question};
use futures::future::BoxFuture;
use serde_json::{Value, json};

pub(super) const ALL: Abilities =
    Abilities { elicit_form: true, elicit_url: true, sample: true, roots: true };

/// What a client does with a question.
#[derive(Clone)]
pub(super) enum Reply {
    Say(Value),
    After(Duration, Value),
    Fail(AskError),
    Never,
}

/// A client with an answer for each key.
#[derive(Default)]
pub(super) struct Client {
    abilities: Abilities,
    replies: HashMap<&'static str, Reply>,
    pub(super) progress: Mutex<Vec<Progress>>,
    pub(super) entries: Mutex<Vec<LogEntry>>,
    asked: Mutex<Vec<Question>>,
    /// Questions that wait for an answer.
    pub(super) open: Arc<AtomicUsize>,
}

struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Client {
    pub(super) fn new(replies: &[(&'static str, Reply)]) -> Arc<Self> {
        Self::able(ALL, replies)
    }

    pub(super) fn able(abilities: Abilities, replies: &[(&'static str, Reply)]) -> Arc<Self> {
        Arc::new(Self { abilities, replies: replies.iter().cloned().collect(), ..Self::default() })
    }

    pub(super) fn asked(&self) -> Vec<Question> {
        self.asked.lock().expect("whole").clone()
    }

    pub(super) fn keys(&self) -> Vec<(String, usize)> {
        self.asked().into_iter().map(|question| (question.key, question.together)).collect()
    }
}

impl Conversation for Client {
    fn abilities(&self) -> Abilities {
        self.abilities
    }

    fn progress(&self, progress: Progress) {
        self.progress.lock().expect("whole").push(progress);
    }

    fn log(&self, entry: LogEntry) {
        self.entries.lock().expect("whole").push(entry);
    }

    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Value, AskError>> {
        let reply = self.replies.get(question.key.as_str()).cloned();
        self.asked.lock().expect("whole").push(question);
        self.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(Arc::clone(&self.open));
        Box::pin(async move {
            let _open = open;
            match reply {
                Some(Reply::Say(answer)) => Ok(answer),
                Some(Reply::After(delay, answer)) => {
                    tokio::time::sleep(delay).await;
                    Ok(answer)
                }
                Some(Reply::Fail(error)) => Err(error),
                Some(Reply::Never) => std::future::pending().await,
                None => Err(AskError::Refused("no such question".to_owned())),
            }
        })
    }
}

pub(super) fn roots() -> Reply {
    Reply::Say(json!({ "roots": [] }))
}
