//! How much a source may send, ask and keep open.

use std::time::Duration;

/// The most bytes of one message, and of one line of what carries it.
pub(crate) const MESSAGE: usize = crate::limits::BODY;

/// The most bytes of an answer that says what is wrong.
pub(crate) const PROBLEM: usize = 64 * 1024;

/// The most characters that are quoted of it.
pub(crate) const QUOTE: usize = 500;

/// How many pages, tools and bytes a list may have.
pub(crate) const PAGES: usize = 500;
/// See [`PAGES`].
pub(crate) const TOOLS: usize = 10_000;
/// See [`PAGES`].
pub(crate) const LIST: usize = 2 * MESSAGE;

/// How often one call may end with a question, and be continued with its answer.
pub(crate) const ROUNDS: usize = 64;

/// How many questions of one stream are being answered at once.
pub(crate) const QUESTIONS: usize = 16;

/// How many requests of one source are under way at once; more wait.
pub(crate) const UNDER_WAY: usize = 128;

/// How often a stream that broke off is taken up again for one request without an event between.
pub(crate) const RESUMPTIONS: usize = 5;

/// How long it takes until a stream is taken up again, where the source does not say, and at most.
pub(crate) const RETRY: Duration = Duration::from_secs(1);
/// See [`RETRY`]; however soon the source wants it.
pub(crate) const SHORTEST_RETRY: Duration = Duration::from_millis(100);
/// See [`RETRY`].
pub(crate) const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// How long a source may take to say which era it is of, and to begin a session.
pub(crate) const DISCOVER: Duration = Duration::from_secs(10);
/// See [`DISCOVER`].
pub(crate) const START: Duration = Duration::from_secs(30);

/// How long something that nobody waits for may take: a farewell, or word that a call ended.
pub(crate) const FAREWELL: Duration = Duration::from_secs(5);

/// How much of what a process writes to its standard error is kept: the end, in bytes.
pub(crate) const WORDS: usize = 4096;

/// How many messages wait to be written to a process.
pub(crate) const FRAMES: usize = 8;

/// How long a process has to end when its input has ended, and again when it was asked to.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// How long after the end of its output a process may still say why.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long a stream may take to end when its answer is there, for its connection to be kept.
pub(crate) const DRAIN: Duration = Duration::from_millis(500);

/// The longest identifier of a session or an event.
pub(crate) const IDENTIFIER: usize = 1024;

/// How many redirects within the source's origin are followed.
pub(crate) const REDIRECTS: usize = 3;
