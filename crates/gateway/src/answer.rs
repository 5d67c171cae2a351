//! Results of calls in the form that clients get: text for models, structured content for programs.

use std::error::Error as StdError;

use app::Error;
use app::calls::{Report, for_clients};
use serde_json::{Value, json};

use crate::content;
use crate::result::{self, CallResult};

/// The result of a live tool: its JSON as text and as structured content, or its parts.
///
/// A result that has parts is structured only where the tool promises that: clients that show the
/// structured content alone would show no picture. A promise that does not fit into an answer
/// cannot be kept, and is a failure that tells where the result is.
pub(crate) fn of_report(report: &Report) -> CallResult {
    if let Some(answered) = &report.passed {
        return CallResult::passed(answered);
    }
    let text = match &report.outcome {
        Ok(text) if report.content.is_empty() => {
            return CallResult { is_error: report.is_error, ..success(text) };
        }
        Ok(text) => text,
        Err(_) => return failure(&report.text_of_failure()),
    };
    let blocks = content::blocks(report);
    if report.has_output_schema && report.is_kept {
        return CallResult::error(blocks);
    }
    let mut result = CallResult::success(blocks);
    result.is_error = report.is_error;
    if report.has_output_schema {
        result.structured = serde_json::from_str(text).ok().map(for_clients);
    }
    result
}

/// What a verb refused, with what to do next.
pub(crate) fn of_error(error: &Error) -> CallResult {
    if matches!(error, Error::Internal(_) | Error::Unavailable { .. } | Error::Unlogged(_)) {
        tracing::error!(error = error as &dyn StdError, "a call failed");
    }
    failure(&explained(error))
}

/// A success with an object, as text and as it is.
pub(crate) fn object(value: Value) -> CallResult {
    let shown = result::text(&value.to_string());
    CallResult { structured: Some(value), ..CallResult::success(vec![shown]) }
}

/// A failure with a text and nothing else.
pub(crate) fn failure(text: &str) -> CallResult {
    CallResult::error(vec![result::text(text)])
}

/// A failure with a text for the model and the whole of it for programs.
pub(crate) fn failure_with(text: &str, structured: Value) -> CallResult {
    let mut result = failure(text);
    result.structured = Some(structured);
    result
}

/// Structured content is an object for every client; what is none stands under `result`.
fn success(text: &str) -> CallResult {
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let shown = match &value {
        Value::String(plain) => plain.clone(),
        _ => text.to_owned(),
    };
    let value = for_clients(value);
    let structured = if value.is_object() { value } else { json!({ "result": value }) };
    let mut result = CallResult::success(vec![result::text(&shown)]);
    result.structured = Some(structured);
    result
}

fn explained(error: &Error) -> String {
    match error {
        Error::NotFound { what: "Server", .. } => {
            format!("{error}; mcpbox_list_servers lists those that exist")
        }
        Error::NotFound { what: "Tool", .. } => {
            format!("{error}; mcpbox_list_tools lists those of a server")
        }
        Error::NotFound { what: "External source", .. } => {
            format!("{error}; mcpbox_list_external_sources lists those of a server")
        }
        Error::Source { .. } => {
            format!("Invalid Python code: {error}; mend it and check it with mcpbox_validate_code")
        }
        Error::Busy { retry_after_seconds, .. } => {
            format!("{error}; try again in {retry_after_seconds} s")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(result: &CallResult) -> String {
        let block = result.content.first().and_then(|block| block["text"].as_str());
        block.map(str::to_owned).unwrap()
    }

    #[test]
    fn an_object_stays_as_it_is_and_anything_else_stands_under_result() {
        let result = success("{\"b\": 1, \"a\": 2}");
        assert_eq!(result.structured, Some(json!({"b": 1, "a": 2})));
        assert_eq!(text(&result), "{\"b\": 1, \"a\": 2}");
        for (json_text, value) in [("[1]", json!([1])), ("null", json!(null)), ("3.5", json!(3.5))]
        {
            let result = success(json_text);
            assert_eq!(result.structured, Some(json!({ "result": value })));
            assert_eq!(text(&result), json_text);
        }
    }

    #[test]
    fn integers_of_any_size_keep_their_digits() {
        let large = 2_u128.pow(127).to_string();
        let result = success(&format!("{{\"n\": {large}}}"));
        let structured = result.structured.as_ref().map(ToString::to_string);
        assert_eq!(structured, Some(format!("{{\"n\":{large}}}")));
        let larger = "9".repeat(5_000);
        let result = success(&larger);
        assert_eq!(text(&result), larger);
        assert_eq!(result.structured, Some(json!({ "result": larger })));
    }

    #[test]
    fn a_string_is_shown_without_its_quotes() {
        let result = success("\"two\\nlines\"");
        assert_eq!(text(&result), "two\nlines");
        assert_eq!(result.structured, Some(json!({"result": "two\nlines"})));
    }

    #[test]
    fn an_internal_cause_is_not_told() {
        let cause = std::io::Error::other("secret path");
        let result = of_error(&Error::Internal(Box::new(cause)));
        assert!(!text(&result).contains("secret path"));
        assert!(result.is_error);
    }

    #[test]
    fn an_error_says_what_to_do_next() {
        let missing = Error::NotFound { what: "Server", id: "x".to_owned() };
        assert!(text(&of_error(&missing)).contains("mcpbox_list_servers"));
        let bad =
            Error::Source { message: "bad indent".to_owned(), line: Some(3), column: Some(5) };
        let told = text(&of_error(&bad));
        assert!(told.contains("line 3, column 5") && told.contains("mcpbox_validate_code"));
    }
}
