//! What one call says to its client and asks of it, within bounds and without the values of secrets.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sandbox::Operation;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::asked::{self, Refusal};
use super::said::Pace;
use super::shares::{Place, Share};
use super::step::{Answer, Step};
use super::{Log, WITHDRAWN, said};
use crate::conversation::{AskError, Conversation, Question};
use crate::redact::Redactor;
use crate::settings::Asking;

/// So long a question waits for those that are asked in the same step. They come at once unless one
/// of them was refused on its way, or the tool says more than is so.
const STEP_MAX: Duration = Duration::from_secs(1);

/// The longest answer of a client, in bytes of JSON.
const ANSWER_MAX: usize = 8 << 20;

/// One call's side of the conversation. Clones share it.
#[derive(Clone)]
pub(crate) struct Dialogue(Arc<Shared>);

struct Shared {
    conversation: Arc<dyn Conversation>,
    redactor: Arc<Redactor>,
    bounds: Asking,
    share: Share,
    log: Log,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pace: Pace,
    step: Step,
    asked: usize,
    /// The keys of the questions that wait for an answer.
    keys: Vec<String>,
    /// What the call takes of its caller's share while there is one.
    place: Option<Place>,
    /// Since when there is one.
    since: Option<Instant>,
    /// How long there was one before.
    waited: Duration,
}

/// A question that waits for its answer.
struct Waiting {
    shared: Arc<Shared>,
    key: String,
    line: Option<usize>,
    limit: Duration,
}

impl Dialogue {
    /// What is asked is written to `log`.
    pub(crate) fn new(
        conversation: Arc<dyn Conversation>,
        redactor: Arc<Redactor>,
        (bounds, share): (Asking, Share),
        log: Log,
    ) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Shared { conversation, redactor, bounds, share, log, state }))
    }

    /// What the call did outside.
    pub(crate) fn log(&self) -> &Log {
        &self.0.log
    }

    /// What the client can be asked, as the guest is told.
    pub(crate) fn abilities(&self) -> sandbox::Abilities {
        let able = self.0.conversation.abilities();
        sandbox::Abilities {
            elicit_form: able.elicit_form,
            elicit_url: able.elicit_url,
            sample: able.sample,
            roots: able.roots,
        }
    }

    /// Begins what the guest asks for, if it concerns the client.
    pub(crate) fn start(&self, operation: &str, payload: &[u8]) -> Option<Operation> {
        match operation {
            sandbox::Abilities::PROGRESS => self.0.progress(payload),
            sandbox::Abilities::LOG => self.0.say(payload),
            sandbox::Abilities::ASK => return Some(self.ask(payload)),
            _ => return None,
        }
        Some(Box::pin(std::future::ready(Ok(Vec::new()))))
    }

    fn ask(&self, payload: &[u8]) -> Operation {
        let shared = Arc::clone(&self.0);
        let entered = shared.enter(payload);
        Box::pin(async move {
            let told = match entered {
                Ok((waiting, turn)) => answered(&shared, waiting, turn).await,
                Err(refusal) => Err(refusal),
            };
            let told = match told {
                Ok(answer) => json!({ "answer": answer }),
                Err(refusal) => json!({ "error": refusal }),
            };
            Ok(told.to_string().into_bytes())
        })
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self, payload: &[u8]) {
        let Some(mut progress) = said::progress(payload) else { return };
        if self.state().pace.takes_progress(progress.progress) {
            progress.message = progress.message.map(|text| self.redactor.cut_text(text));
            self.conversation.progress(progress);
        }
    }

    fn say(&self, payload: &[u8]) {
        let Some(mut entry) = said::entry(payload) else { return };
        if self.state().pace.takes_entry() {
            entry.logger = entry.logger.map(|text| self.redactor.cut_text(text));
            entry.data = self.redactor.cut_json(entry.data);
            self.conversation.log(entry);
        }
    }

    /// Takes a question, if it can be asked. Those of one step are asked once all are here.
    fn enter(
        self: &Arc<Self>,
        payload: &[u8],
    ) -> Result<(Waiting, oneshot::Receiver<Answer>), Refusal> {
        let read = asked::read(payload).and_then(|question| {
            let question = self.mended(question);
            self.admit(&question).map(|waiting| (question, waiting))
        });
        let (sender, turn) = oneshot::channel();
        let together = match &read {
            Ok((question, _)) => question.together,
            Err(_) => asked::together(payload),
        };
        let (read, question) = match read {
            Ok((question, waiting)) => (Ok(waiting), Some((question, sender))),
            Err(refusal) => (Err(refusal), None),
        };
        let whole = self.state().step.join(together, question);
        self.send(whole);
        read.map(|waiting| (waiting, turn))
    }

    fn mended(&self, question: Question) -> Question {
        let params = question.params.into_iter();
        let params = params.map(|(name, value)| (name, self.redactor.json(value)));
        Question { params: params.collect(), key: self.redactor.text(question.key), ..question }
    }

    fn admit(self: &Arc<Self>, question: &Question) -> Result<Waiting, Refusal> {
        let line = self.log.begin_question(asked::kind_name(question.kind), &question.key);
        let admitted = self.admitted(question);
        match admitted {
            Ok(limit) => {
                let (shared, key) = (Arc::clone(self), question.key.clone());
                Ok(Waiting { shared, key, line, limit })
            }
            Err(refusal) => {
                self.log.end_question(line, refusal.kind);
                Err(refusal)
            }
        }
    }

    /// How long the answer may take.
    fn admitted(&self, question: &Question) -> Result<Duration, Refusal> {
        asked::check_ability(question, self.conversation.abilities())?;
        let Asking { each, all, questions } = self.bounds;
        let mut state = self.state();
        if state.asked >= questions {
            return Err(Refusal::limit(format!(
                "this call has asked its client {questions} questions, which is as many as it may: ask for several things in one"
            )));
        }
        let left = all.saturating_sub(state.waited());
        if left.is_zero() {
            return Err(Refusal::limit(format!(
                "this call has waited for its client for {} seconds in all, which is as long as it may",
                all.as_secs()
            )));
        }
        if state.keys.contains(&question.key) {
            return Err(Refusal::invalid(format!(
                "two questions at once have the key {:?}: give each its own",
                question.key
            )));
        }
        if state.place.is_none() {
            state.place = Some(self.share.begin().map_err(Refusal::limit)?);
        }
        state.asked += 1;
        state.keys.push(question.key.clone());
        state.since.get_or_insert_with(Instant::now);
        Ok(each.min(left))
    }

    fn send(&self, questions: Vec<(Question, oneshot::Sender<Answer>)>) {
        let waited_for = questions.into_iter().filter(|(_, sender)| !sender.is_closed());
        let waited_for: Vec<_> = waited_for.collect();
        let together = waited_for.len();
        for (question, sender) in waited_for {
            let answer = self.conversation.ask(Question { together, ..question });
            // Whoever is gone meanwhile has dropped the answer, which takes the question back.
            drop(sender.send(answer));
        }
    }
}

impl State {
    fn waited(&self) -> Duration {
        self.waited + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// The client's answer to one question, or why there is none.
async fn answered(
    shared: &Arc<Shared>,
    waiting: Waiting,
    mut turn: oneshot::Receiver<Answer>,
) -> Result<Value, Refusal> {
    let told = async {
        let answer = match tokio::time::timeout(STEP_MAX, &mut turn).await {
            Ok(answer) => answer,
            Err(_elapsed) => {
                let incomplete = shared.state().step.take();
                shared.send(incomplete);
                turn.await
            }
        };
        match answer {
            Ok(answer) => answer.await,
            Err(_dropped) => Err(AskError::Gone),
        }
    };
    let told = tokio::time::timeout(waiting.limit, told).await.unwrap_or(Err(AskError::TimedOut));
    let told = told.map_err(Refusal::from).and_then(|answer| {
        if answer.to_string().len() > ANSWER_MAX {
            let message = format!("the client's answer has more than {ANSWER_MAX} bytes of JSON");
            return Err(Refusal::from(AskError::Refused(message)));
        }
        Ok(answer)
    });
    waiting.ended(match &told {
        Ok(answer) => asked::outcome(answer),
        Err(refusal) => refusal.kind,
    });
    told
}

impl Waiting {
    fn ended(&self, outcome: &'static str) {
        self.shared.log.end_question(self.line, outcome);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.ended(WITHDRAWN);
        let mut state = self.shared.state();
        state.keys.retain(|key| *key != self.key);
        if state.keys.is_empty() {
            state.place = None;
            let waited = state.since.take().map(|since| since.elapsed());
            state.waited += waited.unwrap_or_default();
        }
    }
}
