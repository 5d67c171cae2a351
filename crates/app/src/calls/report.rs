//! How a call ended, in the forms that clients and the execution log need.

use std::time::Duration;

use sandbox::Failure;
use serde_json::{Value, json};
use uuid::Uuid;

use super::delivery::{Content, Kept};
use super::numbers::for_clients;
use crate::capabilities::{Need, NeedKind};

/// Arguments and results above this many bytes of JSON are kept in the log by their beginning only.
const LOGGED_BYTES: usize = 10_000;

/// So many characters of a longer one are kept.
const LOGGED_PREVIEW_CHARS: usize = 1000;

/// So many bytes of what a tool printed are in an answer.
const STDOUT_SHOWN: usize = 10 * 1024;

/// The kind of failure of a tool that returned its result as an error.
const REPORTED: &str = "reported";

/// What is said of one.
const REPORTED_TEXT: &str = "the tool returned its result as an error (ctx.is_error)";

/// How a call ended.
#[derive(Debug, Clone)]
pub struct Report {
    /// The id of its row in the execution log.
    pub call_id: Uuid,
    /// The tool's public name.
    pub tool_name: String,
    /// The JSON text of what `main` returned, or why there is none. Of a result too large for an
    /// answer it names the artifacts instead: `{"artifacts": [{"uri", "mime_type", "bytes"}]}`.
    pub outcome: Result<String, Failure>,
    /// What an external source answered, as it came; clients get that, and `outcome` has its JSON.
    pub passed: Option<Value>,
    /// The parts of a result that holds pictures or files, or is too large, in order. Empty where
    /// the JSON text says all.
    pub content: Vec<Content>,
    /// Whether the result itself is too large, and not in `outcome`.
    pub is_kept: bool,
    /// Whether the tool returned it as an error: it is answered as one, with all that it holds.
    pub is_error: bool,
    /// Whether the tool promises structured results.
    pub has_output_schema: bool,
    /// What the tool printed.
    pub stdout: String,
    /// Whether it printed more than is kept.
    pub stdout_truncated: bool,
    /// The most memory that it had at once, in bytes, the interpreter's included.
    pub memory_bytes: u64,
    /// From the call's arrival to its end.
    pub duration: Duration,
    /// What a test asked for and was refused, which a person can allow or set.
    pub needs: Vec<Need>,
}

impl Report {
    /// Whether it returned no error, and was refused nothing.
    pub fn succeeded(&self) -> bool {
        self.outcome.is_ok() && !self.is_error && self.needs.is_empty()
    }

    /// What kind of failure it was, if the tool failed or returned an error.
    pub fn error_kind(&self) -> Option<&'static str> {
        match &self.outcome {
            Err(failure) => Some(failure.kind.as_str()),
            Ok(_) => self.is_error.then_some(REPORTED),
        }
    }

    /// What a test was refused, as a sentence; nothing where it was refused nothing.
    pub fn text_of_needs(&self) -> Option<String> {
        if self.needs.is_empty() {
            return None;
        }
        let named = self.needs.iter().map(|need| {
            let line = need.header();
            let add =
                if need.declared { String::new() } else { format!(" (add the line `{line}`)") };
            format!("{} `{}`{add}", need.kind, need.name)
        });
        let has = |kind| self.needs.iter().any(|need| need.kind == kind);
        let mut text = format!(
            "the run asked for what it does not have: {}",
            named.collect::<Vec<_>>().join(", ")
        );
        if has(NeedKind::Host) {
            text.push_str("; refused requests were answered by an empty 403");
        }
        if has(NeedKind::Secret) {
            text.push_str("; missing secrets read as a placeholder");
        }
        Some(text)
    }

    /// The failure as a text that a model can act on: what, where, and what was printed before.
    /// Empty when the call succeeded.
    pub fn text_of_failure(&self) -> String {
        let needs = self.text_of_needs();
        let mut text = match (&self.outcome, needs) {
            (Err(failure), Some(needs)) => format!("{}\n{needs}", failure.message),
            (Err(failure), None) => failure.message.clone(),
            (Ok(_), Some(needs)) if self.is_error => format!("{REPORTED_TEXT}\n{needs}"),
            (Ok(_), Some(needs)) => needs,
            (Ok(_), None) if self.is_error => REPORTED_TEXT.to_owned(),
            (Ok(_), None) => return String::new(),
        };
        let detail = self.outcome.as_ref().err().and_then(|failure| failure.detail.as_ref());
        if let Some(detail) = detail.and_then(readable) {
            text.push_str("\n--- detail ---\n");
            text.push_str(&detail);
        }
        if !self.stdout.trim().is_empty() {
            text.push_str("\n--- stdout ---\n");
            text.push_str(&self.beginning_of_stdout());
        }
        text
    }

    /// What it printed, as an answer shows it: the first [`STDOUT_SHOWN`] bytes and a note if there
    /// was more.
    pub fn beginning_of_stdout(&self) -> String {
        printed(&self.stdout, self.stdout_truncated, STDOUT_SHOWN)
    }

    /// What it printed, as the log keeps it: all that was taken, and a note if there was more.
    pub(super) fn logged_stdout(&self) -> String {
        printed(&self.stdout, self.stdout_truncated, self.stdout.len())
    }

    fn kept(&self) -> impl Iterator<Item = &Kept> {
        self.content.iter().filter_map(|content| match content {
            Content::Kept(kept) => Some(kept),
            _ => None,
        })
    }

    pub(super) fn logged_result(&self) -> Option<Value> {
        let text = self.outcome.as_ref().ok()?;
        if self.is_kept
            && let Some(kept) = self.kept().next()
        {
            let head = kept.head.as_deref().unwrap_or_default();
            let preview: String = head.chars().take(LOGGED_PREVIEW_CHARS).collect();
            let artifacts = self.kept().map(Kept::described).collect::<Vec<_>>();
            let bytes = kept.artifact.bytes;
            return Some(
                json!({ "_truncated": true, "_bytes": bytes, "_preview": preview, "_artifacts": artifacts }),
            );
        }
        Some(cut(text).unwrap_or_else(|| {
            serde_json::from_str(text).map_or_else(|_| Value::from(text.as_str()), for_clients)
        }))
    }

    pub(super) fn logged_error(&self) -> Option<String> {
        let Err(failure) = &self.outcome else {
            let reported = self.is_error.then(|| REPORTED_TEXT.to_owned());
            return reported
                .into_iter()
                .chain(self.text_of_needs())
                .reduce(|error, needs| format!("{error}\n{needs}"));
        };
        let detail = failure.detail.as_ref().and_then(readable);
        Some(match detail {
            Some(detail) => format!("{}\n{detail}", failure.message),
            None => failure.message.clone(),
        })
    }
}

/// What the log keeps of the arguments of a call.
pub(super) fn logged_arguments(arguments: Value) -> Value {
    cut(&arguments.to_string()).unwrap_or_else(|| for_clients(arguments))
}

/// The beginning of a JSON text that is too long for the log; nothing for one that is not.
fn cut(text: &str) -> Option<Value> {
    if text.len() <= LOGGED_BYTES {
        return None;
    }
    let preview: String = text.chars().take(LOGGED_PREVIEW_CHARS).collect();
    Some(json!({ "_truncated": true, "_bytes": text.len(), "_preview": preview }))
}

/// The lines of a failure's detail: the failing line with its surroundings, what a server answered,
/// what led to it, then the frames.
fn readable(detail: &Value) -> Option<String> {
    let mut lines = Vec::new();
    if let Some(line) = detail.get("line").and_then(Value::as_u64) {
        lines.push(format!("line {line}"));
    }
    lines.extend(texts(detail, "context"));
    lines.extend(detail.get("http").map(response));
    for (key, named, handled) in
        [("chain", "caused by", "while handling"), ("exceptions", "one of them", "one of them")]
    {
        for other in detail.get(key).and_then(Value::as_array).into_iter().flatten() {
            let because = other.get("because").and_then(Value::as_bool) == Some(true);
            lines.push(format!("{} {}", if because { named } else { handled }, brief(other)));
            lines.extend(other.get("http").map(response));
        }
    }
    lines.extend(texts(detail, "traceback"));
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn texts(detail: &Value, key: &str) -> Vec<String> {
    let listed = detail.get(key).and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `ValueError: no (line 3)`.
fn brief(error: &Value) -> String {
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let line = error.get("line").and_then(Value::as_u64);
    let place = line.map(|line| format!(" (line {line})")).unwrap_or_default();
    format!("{}: {}{place}", text("error_type"), text("message"))
}

/// `HTTP 404 from https://…: the body's beginning`.
fn response(http: &Value) -> String {
    let text = |key: &str| http.get(key).and_then(Value::as_str);
    let status = http.get("status").map(ToString::to_string).unwrap_or_default();
    let from = text("url").map(|url| format!(" from {url}")).unwrap_or_default();
    let body = text("body").map(|body| format!(": {body}")).unwrap_or_default();
    format!("HTTP {status}{from}{body}")
}

/// The first `most` bytes; says so if there was more. `truncated` tells that `stdout` is not all of
/// it: how much was printed in all is then unknown.
fn printed(stdout: &str, truncated: bool, most: usize) -> String {
    if stdout.len() <= most && !truncated {
        return stdout.to_owned();
    }
    let shown = stdout.get(..stdout.floor_char_boundary(most)).unwrap_or_default();
    let more = if truncated { "more than " } else { "" };
    let (printed, first) = (stdout.len(), shown.len());
    format!("{shown}\n… (cut: {more}{printed} bytes were printed; the first {first} are shown)")
}

#[cfg(test)]
mod tests {
    use sandbox::FailureKind;

    use super::*;

    fn report(outcome: Result<String, Failure>) -> Report {
        Report {
            call_id: Uuid::nil(),
            tool_name: "a__b".to_owned(),
            outcome,
            passed: None,
            content: Vec::new(),
            is_kept: false,
            is_error: false,
            has_output_schema: false,
            stdout: "before\n".to_owned(),
            stdout_truncated: false,
            memory_bytes: 0,
            duration: Duration::ZERO,
            needs: Vec::new(),
        }
    }

    #[test]
    fn a_failure_shows_its_place_and_what_was_printed() {
        let failure = Failure {
            kind: FailureKind::Exception,
            message: "ValueError: no".to_owned(),
            detail: Some(json!({"line": 3, "context": ["> 3 | raise"]})),
        };
        let text = report(Err(failure)).text_of_failure();
        for part in ["ValueError: no", "line 3", "> 3 | raise", "before"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_failure_shows_what_led_to_it_and_what_a_server_answered() {
        let http = json!({"status": 404, "url": "https://a.example/x", "body": "no such thing"});
        let detail = json!({
            "line": 3,
            "chain": [
                {"error_type": "KeyError", "message": "'a'", "line": 2, "because": true, "http": http},
                {"error_type": "OSError", "message": "gone", "because": false},
            ],
            "exceptions": [{"error_type": "TypeError", "message": "odd"}],
            "traceback": ["Traceback"],
        });
        assert_eq!(
            readable(&detail).unwrap(),
            "line 3\ncaused by KeyError: 'a' (line 2)\n\
             HTTP 404 from https://a.example/x: no such thing\n\
             while handling OSError: gone\none of them TypeError: odd\nTraceback"
        );
        assert_eq!(readable(&json!({"http": {"status": 500}})).unwrap(), "HTTP 500");
        assert_eq!(readable(&json!({})), None);
    }

    #[test]
    fn a_long_result_is_logged_by_its_beginning_and_a_short_one_whole() {
        let long = format!("\"{}\"", "x".repeat(20_000));
        let logged = report(Ok(long)).logged_result().unwrap();
        assert_eq!(logged.get("_bytes"), Some(&json!(20_002)));
        assert_eq!(report(Ok("[1]".to_owned())).logged_result(), Some(json!([1])));
        let long = logged_arguments(json!({"text": "x".repeat(20_000)}));
        assert_eq!(long.get("_truncated"), Some(&json!(true)));
        assert_eq!(logged_arguments(json!({"n": 1})), json!({"n": 1}));
    }

    #[test]
    fn long_output_is_cut_between_letters_and_says_so() {
        assert_eq!(printed("short", false, STDOUT_SHOWN), "short");
        let long = "ä".repeat(STDOUT_SHOWN);
        let cut = printed(&long, false, STDOUT_SHOWN);
        assert!(cut.len() < STDOUT_SHOWN + 100, "{}", cut.len());
        let end = "(cut: 20480 bytes were printed; the first 10240 are shown)";
        assert!(cut.ends_with(end) && !cut.contains("more than"), "{cut}");
    }

    #[test]
    fn output_that_was_cut_before_is_not_counted_as_all() {
        let cut = printed(&"x".repeat(65_537), true, STDOUT_SHOWN);
        let end = "(cut: more than 65537 bytes were printed; the first 10240 are shown)";
        assert!(cut.ends_with(end), "{cut}");
        let end = "(cut: more than 1 bytes were printed; the first 1 are shown)";
        assert!(printed("x", true, STDOUT_SHOWN).ends_with(end));
    }
}
