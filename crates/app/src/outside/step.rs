//! The questions of one step of a tool's event loop, which its client gets together.

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::conversation::{AskError, Question};

/// What the client answers, when it does.
pub(super) type Answer = BoxFuture<'static, Result<Value, AskError>>;

/// A question, and who waits for what becomes of it.
pub(super) type Asked = (Question, oneshot::Sender<Answer>);

/// Collects the questions of a step.
#[derive(Default)]
pub(super) struct Step {
    /// How many are still to come.
    awaited: usize,
    ready: Vec<Asked>,
}

impl Step {
    /// Takes one of so many questions of a step, `None` for one that cannot be asked. Returns all that
    /// can, once the last is here.
    pub(super) fn join(&mut self, together: usize, question: Option<Asked>) -> Vec<Asked> {
        if self.awaited == 0 {
            self.awaited = together.max(1);
        }
        self.awaited -= 1;
        self.ready.extend(question);
        if self.awaited == 0 { self.take() } else { Vec::new() }
    }

    /// Those that are here; nobody waits for others.
    pub(super) fn take(&mut self) -> Vec<Asked> {
        self.awaited = 0;
        std::mem::take(&mut self.ready)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;
    use tokio::sync::oneshot;

    use super::*;
    use crate::conversation::QuestionKind;

    fn asked(key: &str) -> Asked {
        let kind = QuestionKind::Roots;
        let question = Question { key: key.to_owned(), kind, params: Map::new(), together: 9 };
        (question, oneshot::channel().0)
    }

    fn keys(asked: &[Asked]) -> Vec<&str> {
        asked.iter().map(|(question, _)| question.key.as_str()).collect()
    }

    #[test]
    fn questions_of_a_step_come_out_together_and_others_alone() {
        let mut step = Step::default();
        assert_eq!(keys(&step.join(1, Some(asked("a")))), ["a"]);
        assert!(step.join(3, Some(asked("b"))).is_empty());
        assert!(step.join(3, None).is_empty());
        assert_eq!(keys(&step.join(3, Some(asked("c")))), ["b", "c"]);
        assert_eq!(keys(&step.join(0, Some(asked("d")))), ["d"]);
    }

    #[test]
    fn a_step_that_is_not_complete_gives_what_it_has() {
        let mut step = Step::default();
        assert!(step.join(2, Some(asked("a"))).is_empty());
        assert_eq!(keys(&step.take()), ["a"]);
        assert_eq!(keys(&step.join(1, Some(asked("b")))), ["b"]);
    }
}
