//! What a running tool can tell the client that called it, and ask of it.

use futures::future::BoxFuture;
use serde_json::{Map, Value};

/// What a client can be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Shows its user a form.
    pub elicit_form: bool,
    /// Sends its user to an address.
    pub elicit_url: bool,
    /// Has its model write something.
    pub sample: bool,
    /// Tells the folders that it works on.
    pub roots: bool,
}

/// How far a call is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// How much is done; grows.
    pub progress: f64,
    /// How much there is to do, if that is known.
    pub total: Option<f64>,
    /// What is being done.
    pub message: Option<String>,
}

/// A line of what a tool logs for its client.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// How grave it is.
    pub level: Level,
    /// Which part of the tool says it.
    pub logger: Option<String>,
    /// What it says.
    pub data: Value,
}

/// How grave a line is, as RFC 5424 orders them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For who looks for a mistake.
    Debug,
    /// What happens.
    Info,
    /// What is worth knowing.
    Notice,
    /// What may go wrong.
    Warning,
    /// What went wrong.
    Error,
    /// A part is out of order.
    Critical,
    /// Somebody has to act.
    Alert,
    /// Nothing works.
    Emergency,
}

impl Level {
    /// All of them, the least grave first.
    pub const ALL: [Self; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
        Self::Alert,
        Self::Emergency,
    ];

    /// The name in the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }
}

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestionKind {
    /// The user fills in a form, or visits an address.
    Elicit,
    /// The client's model writes something.
    Sample,
    /// The folders that the client works on.
    Roots,
}

/// A question to the client.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Names it among the questions of its call.
    pub key: String,
    /// What it asks for.
    pub kind: QuestionKind,
    /// The parameters of the protocol's request.
    pub params: Map<String, Value>,
    /// How many are asked in the same step, this one included.
    pub together: usize,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The client did not declare that it can answer.
    #[error("the client does not declare the capability `{capability}`")]
    Unsupported {
        /// `elicitation`, `elicitation.url`, `sampling` or `roots`.
        capability: &'static str,
    },
    /// The client went away.
    #[error("the client went away before it answered")]
    Gone,
    /// Nobody answered in time.
    #[error("the client did not answer in time")]
    TimedOut,
    /// The client refused.
    #[error("the client refused: {0}")]
    Refused(String),
}

/// The client of one call.
pub trait Conversation: Send + Sync {
    /// What it can be asked.
    fn abilities(&self) -> Abilities;

    /// Tells it how far the call is; never waits.
    fn progress(&self, progress: Progress);

    /// Tells it what the tool logs; never waits.
    fn log(&self, entry: LogEntry);

    /// Asks it. The future is dropped when nobody waits for the answer any more.
    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Value, AskError>>;
}

/// Nobody: what is said is not heard, and nothing can be asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Conversation for Silent {
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn progress(&self, _: Progress) {}

    fn log(&self, _: LogEntry) {}

    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Value, AskError>> {
        let capability = match question.kind {
            QuestionKind::Elicit => "elicitation",
            QuestionKind::Sample => "sampling",
            QuestionKind::Roots => "roots",
        };
        Box::pin(std::future::ready(Err(AskError::Unsupported { capability })))
    }
}
