//! The management tools for trying code before anybody approves it.

use app::Error;
use app::calls::{Report, for_clients};
use app::capabilities::NeedKind;
use app::drafts::{self, Inspection};
use app::secrets;
use app::tools;
use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::observability::milliseconds;
use super::schema::{list_of, parameters, result, result_with, text, tool_id};
use super::{Definition, Effect, Outcome, Request, declared};
use crate::{answer, content};

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "mcpbox_test_code",
        title: "Test a tool",
        description: "Runs the newest version of a tool, approved or not, without secrets. What it is refused is noted in `requests` and it goes on.",
        effect: Effect::Run,
        edits: false,
        input: || {
            let description = "Inputs of main by name.";
            let inputs = json!({ "type": "object", "default": {}, "description": description });
            parameters(&["tool_id"], vec![tool_id(), ("arguments", inputs)])
        },
        output: || {
            result(&[
                ("success", "boolean"),
                ("result", "any?"),
                ("error", "string?"),
                ("error_kind", "string?"),
                ("detail", "object?"),
                ("requests", "array"),
                ("stdout", "string"),
                ("duration_ms", "number"),
                ("peak_memory_bytes", "integer"),
            ])
        },
        run: |request| Box::pin(test(request)),
    },
    Definition {
        name: "mcpbox_validate_code",
        title: "Validate code",
        description: "Checks Python code without saving or running it: syntax, main, parameters, input schema.",
        effect: Effect::Read,
        edits: false,
        input: || {
            let code = text("Python with `async def main(...)`, as in mcpbox_create_tool.");
            let alias = text("The same as `python_code`; give one of the two.");
            parameters(&[], vec![("python_code", code), ("code", alias)])
        },
        output: || {
            let parameters = list_of(&[("name", "string"), ("type", "string?")]);
            result_with(
                &[
                    ("valid", "boolean"),
                    ("has_main", "boolean"),
                    ("error", "string?"),
                    ("line", "integer?"),
                    ("column", "integer?"),
                    ("input_schema", "object"),
                    ("output_schema", "object"),
                    ("notes", "array"),
                ],
                vec![("parameters", parameters)],
            )
        },
        run: |request| Box::pin(validate(request)),
    },
];

async fn test(request: Request) -> Outcome {
    let Request { app, who, arguments, client, .. } = request;
    let inputs = arguments.object("arguments");
    let tool_id = arguments.id("tool_id")?;
    let report = drafts::test(&app, &who, tool_id, inputs, client).await?;
    let server_id = tools::get(&app, tool_id).await?.server.id;
    let mut requests = Vec::new();
    for need in report.needs.iter().filter(|need| !need.granted) {
        // One that is there waits for its value, or for a line in the source.
        let waits =
            need.kind == NeedKind::Secret && secrets::exists(&app, server_id, &need.name).await?;
        if !waits {
            requests.push(declared::request(need, tool_id, server_id));
        }
    }
    let structured = tested(&report, &requests);
    if !report.succeeded() {
        let mut failed = answer::failure_with(&report.text_of_failure(), structured);
        failed.content.extend(content::blocks(&report));
        return Ok(failed);
    }
    let mut result = answer::object(structured);
    result.content.extend(content::blocks(&report));
    Ok(result)
}

/// With the calls that ask for what the run was refused.
fn tested(report: &Report, requests: &[Value]) -> Value {
    let value = report.outcome.as_ref().ok().map(|text| {
        serde_json::from_str(text).map_or_else(|_| Value::from(text.as_str()), for_clients)
    });
    let failure = report.outcome.as_ref().err();
    let refused = report.text_of_needs();
    let error = failure.map(|failure| failure.message.clone());
    let error = match (error, refused) {
        (Some(error), Some(refused)) => Some(format!("{error}\n{refused}")),
        (error, refused) => error.or(refused),
    };
    let kind = report.error_kind().or_else(|| error.is_some().then_some("not_granted"));
    let microseconds = i64::try_from(report.duration.as_micros()).unwrap_or(i64::MAX);
    json!({
        "success": report.succeeded(),
        "result": value,
        "error": error,
        "error_kind": kind,
        "detail": failure.and_then(|failure| failure.detail.as_ref()),
        "requests": requests,
        "stdout": report.beginning_of_stdout(),
        "duration_ms": milliseconds(microseconds),
        "peak_memory_bytes": report.memory_bytes,
    })
}

async fn validate(request: Request) -> Outcome {
    let inspection = drafts::validate(&request.app, code_of(&request.arguments)?).await?;
    Ok(answer::object(validated(&inspection)))
}

/// The code, which is given under one of two names.
fn code_of(arguments: &Arguments) -> Result<&str, Error> {
    match (arguments.text("python_code"), arguments.text("code")) {
        (Some(code), None) | (None, Some(code)) => Ok(code),
        (given, _) => {
            let problem = if given.is_some() { "given as `code` too" } else { "missing" };
            let reason = format!("{problem}; give the code once, as `python_code` or as `code`");
            Err(Error::Invalid { field: "python_code", reason })
        }
    }
}

fn validated(inspection: &Inspection) -> Value {
    let error = inspection.error.as_ref();
    let parameters = inspection.parameters.iter();
    let parameters = parameters.map(|one| json!({ "name": one.name, "type": one.type_text }));
    let mut validated = Map::new();
    let mut tell = |key: &str, value: Value| validated.insert(key.to_owned(), value);
    tell("valid", json!(inspection.valid));
    tell("has_main", json!(inspection.has_main));
    tell("error", json!(error.map(|error| &error.message)));
    tell("line", json!(error.and_then(|error| error.line)));
    tell("column", json!(error.and_then(|error| error.column)));
    tell("parameters", parameters.collect());
    tell("notes", json!(inspection.notes));
    if let Some(schema) = &inspection.input_schema {
        tell("input_schema", schema.clone());
    }
    if let Some(schema) = &inspection.output_schema {
        tell("output_schema", schema.clone());
    }
    Value::Object(validated)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use app::calls::{Failure, FailureKind};
    use app::capabilities::{Need, NeedKind};
    use app::drafts::SourceError;
    use uuid::Uuid;

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
            memory_bytes: 40 << 20,
            duration: Duration::from_micros(1500),
            needs: Vec::new(),
        }
    }

    fn fits(definition: usize, value: &Value) {
        let schema = (DEFINITIONS[definition].output)();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let mistakes: Vec<_> = validator.iter_errors(value).map(|e| e.to_string()).collect();
        assert!(mistakes.is_empty(), "{mistakes:?}");
    }

    #[test]
    fn a_failing_test_keeps_what_was_printed_and_where_it_failed() {
        let failure = Failure {
            kind: FailureKind::Exception,
            message: "ValueError: no".to_owned(),
            detail: Some(json!({"line": 3})),
        };
        let value = tested(&report(Err(failure)), &[]);
        assert_eq!((&value["success"], &value["stdout"]), (&json!(false), &json!("before\n")));
        assert_eq!(value["detail"]["line"], 3);
        assert_eq!(value["error_kind"], "exception");
        fits(0, &value);
    }

    #[test]
    fn a_run_that_was_refused_something_has_its_result_and_what_to_ask_for() {
        let need = Need::new(NeedKind::Host, "a.example");
        let refused = Report { needs: vec![need], ..report(Ok("1".to_owned())) };
        let value = tested(&refused, &[json!({"tool": "x"})]);
        assert_eq!((&value["success"], &value["result"]), (&json!(false), &json!(1)));
        assert!(value["error"].as_str().unwrap().contains("host `a.example`"), "{value}");
        assert_eq!(value["requests"], json!([{"tool": "x"}]));
        fits(0, &value);
    }

    #[test]
    fn a_passing_test_has_its_result_whatever_that_is() {
        for text in ["{\"a\": 1}", "[1]", "null", "\"text\"", "2.5"] {
            let value = tested(&report(Ok(text.to_owned())), &[]);
            assert_eq!(value["result"], serde_json::from_str::<Value>(text).unwrap());
            assert_eq!((&value["success"], &value["duration_ms"]), (&json!(true), &json!(1.5)));
            fits(0, &value);
        }
    }

    #[test]
    fn bad_code_names_its_place_and_good_code_its_schema() {
        let error = SourceError { message: "bad".to_owned(), line: Some(2), column: Some(4) };
        let bad = Inspection { error: Some(error), ..Inspection::default() };
        let value = validated(&bad);
        assert_eq!((&value["valid"], &value["line"]), (&json!(false), &json!(2)));
        assert!(value.get("input_schema").is_none());
        fits(1, &value);
        let good = Inspection {
            valid: true,
            has_main: true,
            input_schema: Some(json!({"type": "object"})),
            ..Inspection::default()
        };
        let value = validated(&good);
        assert_eq!(value["input_schema"], json!({"type": "object"}));
        fits(1, &value);
    }
}
