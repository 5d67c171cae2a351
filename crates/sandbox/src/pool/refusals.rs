//! What a call is told that gets no place.

use uuid::Uuid;

use crate::outcome::{Failure, FailureKind};
use crate::protocol::TASK_MAX;
use crate::queue::Queue;
use crate::text;

/// No place, as so many calls have one or wait for one.
pub(super) fn busy<T>(queue: &Queue<T>, group: Uuid, problem: &str) -> Failure {
    let message = format!(
        "the sandbox is busy: {problem} ({} calls run, {} of them of this server; {} wait): try \
         again in a few seconds",
        queue.running(),
        queue.running_of(group),
        queue.waiting()
    );
    Failure::new(FailureKind::Busy, message)
}

/// More than one call may bring.
pub(super) fn too_long(length: usize) -> Failure {
    let message = format!(
        "source and arguments are {} together, the most is {}: pass less at a time",
        text::size(length),
        text::size(TASK_MAX)
    );
    Failure::new(FailureKind::Arguments, message)
}

/// No place any more.
pub(super) fn stopped() -> Failure {
    Failure::new(FailureKind::Cancelled, "the sandbox is stopping: call again once it is back")
}

/// No question, as so many calls wait for an answer.
pub(super) fn asking<T>(queue: &Queue<T>, group: Uuid) -> String {
    format!(
        "the client cannot be asked now: {} calls wait for an answer of theirs, {} of them of this \
         server, which is as many as may: call again in a minute",
        queue.asking(),
        queue.asking_of(group)
    )
}
