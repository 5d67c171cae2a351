//! The management tool that reads the execution log.

use app::calls::{self, Call, Filter};
use app::tools::{self, Detail};
use serde_json::{Value, json};

use super::schema::{followed, integer, list_of, result_with, tool_id};
use super::{Definition, Effect, Outcome, Request};
use crate::{answer, cursor};

pub(super) const DEFINITIONS: &[Definition] = &[Definition {
    name: "mcpbox_get_tool_logs",
    title: "Get execution log",
    description: "Shows the last calls of a tool, tests too: inputs, result, output, error, duration, caller.",
    effect: Effect::Read,
    edits: false,
    input: || {
        let limit = integer(1, 50, 10, "Calls per page, newest first.");
        followed(&["tool_id"], vec![tool_id(), ("limit", limit)])
    },
    output: || {
        let logs = list_of(&[
            ("id", "string"),
            ("success", "boolean"),
            ("is_test", "boolean"),
            ("kind", "string"),
            ("duration_ms", "number"),
            ("error", "string?"),
            ("error_kind", "string?"),
            ("version", "integer?"),
            ("digest", "string?"),
            ("input_args", "object"),
            ("result", "any?"),
            ("requests", "array"),
            ("stdout", "string"),
            ("executed_by", "string"),
            ("created_at", "string"),
        ]);
        result_with(
            &[
                ("tool_id", "string"),
                ("tool_name", "string"),
                ("total", "integer"),
                ("next_cursor", "string?"),
            ],
            vec![("logs", logs)],
        )
    },
    run: |request| Box::pin(logs(request)),
}];

async fn logs(request: Request) -> Outcome {
    let tool_id = request.arguments.id("tool_id")?;
    let name = format!("calls of {tool_id}");
    let size = request.arguments.positive("limit").unwrap_or(10);
    let page = request.arguments.page_of(&name, size)?;
    let detail = tools::get(&request.app, tool_id).await?;
    let filter = Filter { tool_id: Some(tool_id), ..Filter::default() };
    let listed = calls::logs(&request.app, &filter, page).await?;
    Ok(answer::object(json!({
        "tool_id": tool_id,
        "tool_name": detail.tool.name,
        "logs": listed.items.iter().map(|call| logged(call, &detail)).collect::<Vec<_>>(),
        "total": listed.total,
        "next_cursor": cursor::next(&name, page, listed.total),
    })))
}

/// A row; with its version where that is the newest or the live one.
fn logged(call: &Call, detail: &Detail) -> Value {
    let mut known = detail.live.iter().chain([&detail.newest]);
    let version = known.find(|one| one.id == call.revision_id).map(|one| one.number);
    json!({
        "id": call.id,
        "success": call.success,
        "is_test": call.is_test,
        "kind": call.kind,
        "duration_ms": milliseconds(call.duration_us),
        "error": call.error,
        "error_kind": call.error_kind,
        "version": version,
        "digest": call.digest,
        "input_args": call.arguments,
        "result": call.result,
        "requests": call.requests,
        "stdout": call.stdout,
        "executed_by": call.caller,
        "created_at": call.created_at,
    })
}

/// Microseconds as milliseconds, to three decimals.
#[expect(clippy::cast_precision_loss, reason = "2^53 microseconds are 285 years")]
pub(super) fn milliseconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1000.0
}
