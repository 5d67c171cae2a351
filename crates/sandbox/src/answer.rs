//! Reads the guest's JSON answers. They come from code that nobody trusts: nothing in them is taken for granted.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::block::{self, Block};
use crate::inspection::{Inspection, SourceError};
use crate::limits::Limits;
use crate::outcome::{Failure, FailureKind};
use crate::protocol::Reply;
use crate::text;

/// The most bytes of a failure's message that are passed on.
pub(crate) const MESSAGE_MAX: usize = 4 << 10;

/// The most bytes of a failure's detail, as JSON text, that are passed on.
pub(crate) const DETAIL_MAX: usize = 64 << 10;

#[derive(Deserialize)]
struct Answer<'a> {
    ok: bool,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Vec<block::Written<'a>>,
    #[serde(default)]
    is_error: bool,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    detail: Option<Value>,
}

/// Reads `null` as a value that is there, not as one that is absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// What `main` returned.
#[derive(Debug, PartialEq)]
pub(crate) struct Returned {
    /// Its JSON text.
    pub(crate) result: String,
    /// Its blocks where it holds more than JSON.
    pub(crate) blocks: Vec<Block>,
    /// Whether the tool calls it an error.
    pub(crate) is_error: bool,
}

/// What `main` returned, or why it did not.
pub(crate) fn result(reply: Result<Reply, Failure>, limits: &Limits) -> Result<Returned, Failure> {
    match reply? {
        Reply::Answered(json) => {
            let answer =
                serde_json::from_str::<Answer<'_>>(&json).map_err(|_malformed| garbled())?;
            if !answer.ok {
                return Err(failure(answer, limits));
            }
            let result = answer.result.ok_or_else(garbled)?.get();
            let blocks = block::read(answer.content).ok_or_else(garbled)?;
            let length = result.len() + blocks.iter().map(Block::encoded_len).sum::<usize>();
            if length > limits.result_bytes {
                return Err(too_large(length, limits.result_bytes));
            }
            Ok(Returned { result: result.to_owned(), blocks, is_error: answer.is_error })
        }
        Reply::NotCompiled(json) => Err(not_compiled(&json)),
        Reply::Ended { kind, message } => Err(ended(kind, &message)),
        Reply::Prepared { .. } => Err(garbled()),
    }
}

/// What reading the source found.
pub(crate) fn inspection(reply: Result<Reply, Failure>) -> Result<Inspection, Failure> {
    match reply? {
        Reply::Answered(json) | Reply::NotCompiled(json) => {
            serde_json::from_str(&json).map_err(|_malformed| garbled())
        }
        Reply::Ended { kind, message } => Err(ended(kind, &message)),
        Reply::Prepared { .. } => Err(garbled()),
    }
}

/// A worker is believed about how its guest ended, but not about what only the server can know.
fn ended(kind: FailureKind, message: &str) -> Failure {
    // The memory that calls may hold in all is shared out to the workers, which see to their part.
    let known = !kind.is_the_servers() || kind == FailureKind::Busy;
    let kind = if known { kind } else { FailureKind::Trap };
    Failure::new(kind, text::one_line(message, MESSAGE_MAX))
}

fn failure(answer: Answer<'_>, limits: &Limits) -> Failure {
    let error_type = answer.detail.as_ref().and_then(|detail| detail.get("error_type"));
    let error_type = error_type.and_then(Value::as_str).unwrap_or_default();
    let out_of_memory = error_type == "MemoryError";
    let named = serde_json::from_value(Value::String(answer.kind));
    let kind = match named.unwrap_or(FailureKind::Exception) {
        FailureKind::Exception | FailureKind::Memory if out_of_memory => FailureKind::Memory,
        FailureKind::Exception if error_type == "RecursionError" => FailureKind::Recursion,
        FailureKind::Exception if answer.message.contains(&handles()) => FailureKind::Handles,
        // What only the server can know is not taken from a guest.
        kind if kind.is_the_servers() => FailureKind::Exception,
        kind => kind,
    };
    let message = match kind {
        FailureKind::Memory => memory(limits.memory_bytes),
        _ => text::one_line(&answer.message, MESSAGE_MAX),
    };
    Failure { kind, message, detail: answer.detail.filter(is_small) }
}

/// The runner's own details are far smaller; only a tool that speaks for it makes larger ones.
fn is_small(detail: &Value) -> bool {
    serde_json::to_vec(detail).is_ok_and(|text| text.len() <= DETAIL_MAX)
}

/// The sentence for a call that used up its memory.
pub(crate) fn memory(limit: usize) -> String {
    format!(
        "the tool needed more than its {} of memory: work on the data in smaller pieces",
        text::size(limit)
    )
}

/// The sentence for a call that has used up its handles.
pub(crate) fn handles() -> String {
    format!(
        "{} handles are open already, the most of one call: wait for some of its requests to end \
         before it begins more",
        Limits::HANDLES_MAX
    )
}

pub(crate) fn too_large(length: usize, limit: usize) -> Failure {
    let message = format!(
        "the result is {}, the most is {}: return less, for instance a page or a summary",
        text::size(length),
        text::size(limit)
    );
    Failure::new(FailureKind::ResultTooLarge, message)
}

/// `compile` answers as `inspect` does.
fn not_compiled(json: &str) -> Failure {
    let Ok(inspection) = serde_json::from_str::<Inspection>(json) else { return garbled() };
    let Some(SourceError { message, line, column }) = inspection.error else { return garbled() };
    let kind = match line {
        Some(_) => FailureKind::Syntax,
        None => FailureKind::NoMain,
    };
    let place = line.map(|line| match column {
        Some(column) => format!(" (line {line}, column {column})"),
        None => format!(" (line {line})"),
    });
    let mut message = text::one_line(&message, MESSAGE_MAX);
    message.push_str(&place.unwrap_or_default());
    let detail = serde_json::json!({ "line": line, "column": column });
    Failure { kind, message, detail: Some(detail) }
}

fn garbled() -> Failure {
    Failure::new(
        FailureKind::Trap,
        "the interpreter's answer was not readable: the tool has probably changed its internals",
    )
}

#[cfg(test)]
mod tests {
    use super::{Returned, inspection, result};
    use crate::block::Block;
    use crate::limits::Limits;
    use crate::outcome::{Failure, FailureKind};
    use crate::protocol::Reply;

    fn read(json: &str) -> Result<String, Failure> {
        returned(json).map(|returned| returned.result)
    }

    fn returned(json: &str) -> Result<Returned, Failure> {
        let limits = Limits { result_bytes: 20, ..Limits::default() };
        result(Ok(Reply::Answered(json.to_owned())), &limits)
    }

    #[test]
    fn blocks_count_towards_the_limit() {
        let read = |text: &str| {
            returned(&format!(
                r#"{{"ok":true,"result":{{}},"content":[{{"type":"text","text":"{text}"}}]}}"#
            ))
        };
        let whole = "a".repeat(18);
        let blocks = vec![Block::Text(whole.clone())];
        assert_eq!(read(&whole), Ok(Returned { result: "{}".to_owned(), blocks, is_error: false }));
        let longer = read(&format!("{whole}a")).map_err(|failure| failure.kind);
        assert_eq!(longer, Err(FailureKind::ResultTooLarge));
        let garbled = returned(r#"{"ok":true,"result":1,"content":[{"type":"image","data":"?"}]}"#);
        assert_eq!(garbled.map_err(|failure| failure.kind), Err(FailureKind::Trap));
    }

    #[test]
    fn a_result_is_passed_on_as_it_was_written() {
        assert_eq!(
            read(r#"{"ok":true,"result":{"b":1.0,"a":2}}"#),
            Ok(r#"{"b":1.0,"a":2}"#.to_owned())
        );
        assert_eq!(read(r#"{"ok":true,"result":null}"#), Ok("null".to_owned()));
        let error = returned(r#"{"ok":true,"result":1,"is_error":true}"#);
        let expected = Returned { result: "1".to_owned(), blocks: Vec::new(), is_error: true };
        assert_eq!(error, Ok(expected));
    }

    #[test]
    fn what_no_runner_would_answer_is_a_trap() {
        for json in ["", "[]", r#"{"ok":true}"#, r#"{"ok":true,"result":NaN}"#, r#"{"result":1}"#] {
            assert_eq!(
                read(json).map_err(|failure| failure.kind),
                Err(FailureKind::Trap),
                "{json}"
            );
        }
        let garbled = inspection(Ok(Reply::Answered("1".to_owned())));
        assert_eq!(garbled.map_err(|failure| failure.kind), Err(FailureKind::Trap));
    }

    #[test]
    fn a_guest_cannot_get_round_the_limit_nor_speak_for_the_server() {
        let long = read(r#"{"ok":true,"result":"aaaaaaaaaaaaaaaaaaaaaaaaa"}"#);
        assert_eq!(long.map_err(|failure| failure.kind), Err(FailureKind::ResultTooLarge));
        let busy = read(r#"{"ok":false,"kind":"busy","message":"a\nb"}"#);
        let busy = busy.map_err(|failure| (failure.kind, failure.message));
        assert_eq!(busy, Err((FailureKind::Exception, "a b".to_owned())));
    }

    #[test]
    fn a_worker_says_how_a_call_ended_and_cannot_speak_for_the_server() {
        for (said, kind) in [
            (FailureKind::Cpu, FailureKind::Cpu),
            (FailureKind::Busy, FailureKind::Busy),
            (FailureKind::Cancelled, FailureKind::Trap),
            (FailureKind::WorkerLost, FailureKind::Trap),
        ] {
            let reply = Reply::Ended { kind: said, message: "a\nb".to_owned() };
            let failure = result(Ok(reply), &Limits::default());
            let failure = failure.map_err(|failure| (failure.kind, failure.message));
            assert_eq!(failure, Err((kind, "a b".to_owned())));
        }
    }

    #[test]
    fn a_detail_is_passed_on_unless_it_is_too_long() {
        for (length, passed) in [(1_000, true), (super::DETAIL_MAX, false)] {
            let text = "a".repeat(length);
            let json = format!(
                r#"{{"ok":false,"kind":"exception","message":"m","detail":{{"text":"{text}"}}}}"#
            );
            let failure =
                read(&json).map_err(|failure| (failure.message, failure.detail.is_some()));
            assert_eq!(failure, Err(("m".to_owned(), passed)));
        }
    }

    #[test]
    fn memory_errors_name_the_limit() {
        let json =
            r#"{"ok":false,"kind":"exception","message":"","detail":{"error_type":"MemoryError"}}"#;
        let failure = read(json).map_err(|failure| (failure.kind, failure.message));
        assert!(matches!(failure, Err((FailureKind::Memory, text)) if text.contains("256 MB")));
    }

    #[test]
    fn nested_calls_and_handles_have_kinds_of_their_own() {
        let handles = super::handles();
        for (error_type, message, kind) in [
            ("RecursionError", "RecursionError: too deep", FailureKind::Recursion),
            ("mcpbox_host.OperationError", handles.as_str(), FailureKind::Handles),
            ("mcpbox_host.OperationError", "it is not allowed", FailureKind::Exception),
        ] {
            let detail = serde_json::json!({ "error_type": error_type });
            let json = serde_json::json!({ "ok": false, "kind": "exception", "message": message, "detail": detail });
            let failure =
                read(&json.to_string()).map_err(|failure| (failure.kind, failure.message));
            assert_eq!(failure, Err((kind, message.to_owned())));
        }
    }

    #[test]
    fn source_that_does_not_compile_is_placed() {
        let json = r#"{"valid":false,"error":{"message":"bad","line":2,"column":5}}"#;
        let failure = result(Ok(Reply::NotCompiled(json.to_owned())), &Limits::default());
        let failure = failure.map_err(|failure| (failure.kind, failure.message));
        assert_eq!(failure, Err((FailureKind::Syntax, "bad (line 2, column 5)".to_owned())));
    }
}
