//! The execution log in the API.

use app::calls::{self, Call, Filter};
use app::{App, artifacts};
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{listed, one};
use crate::errors::Answer;
use crate::extract::{Id, Paging, Search};

#[derive(Deserialize)]
pub(crate) struct Look {
    tool_name: Option<String>,
    tool_id: Option<Uuid>,
    server_id: Option<Uuid>,
    success: Option<bool>,
    executed_by: Option<String>,
}

/// GET /api/execution-logs
pub(crate) async fn list(
    State(app): State<App>,
    Search(paging): Search<Paging>,
    Search(look): Search<Look>,
) -> Answer {
    let filter = Filter {
        tool_id: look.tool_id,
        server_id: look.server_id,
        tool_name_contains: look.tool_name,
        success: look.success,
        caller: look.executed_by,
        ..Filter::default()
    };
    let page = paging.page()?;
    Ok(listed(calls::logs(&app, &filter, page).await?, page, |call| shown(&call)))
}

/// GET /api/tools/{id}/logs; the log of a deleted tool stays.
pub(crate) async fn of_tool(
    State(app): State<App>,
    Id(id): Id,
    Search(paging): Search<Paging>,
) -> Answer {
    let page = paging.page()?;
    let filter = Filter { tool_id: Some(id), ..Filter::default() };
    let found = calls::logs(&app, &filter, page).await?;
    if found.total == 0 {
        // Only a tool that exists may have an empty log.
        app::tools::get(&app, id).await?;
    }
    Ok(listed(found, page, |call| shown(&call)))
}

/// GET /api/logs/{id}
pub(crate) async fn show(State(app): State<App>, Id(id): Id) -> Answer {
    let mut call = shown(&calls::find(&app, id).await?);
    let kept = json!(artifacts::of_call(&app, id).await?);
    if let Some(fields) = call.as_object_mut() {
        fields.insert("artifacts".to_owned(), kept);
    }
    Ok(one(call))
}

fn shown(call: &Call) -> Value {
    json!({
        "id": call.id,
        "tool_id": call.tool_id,
        "server_id": call.server_id,
        "revision_id": call.revision_id,
        "digest": call.digest,
        "tool_name": call.tool_name,
        "input_args": call.arguments,
        "result": call.result,
        "requests": call.requests,
        "stdout": call.stdout,
        "error": call.error,
        "error_kind": call.error_kind,
        "success": call.success,
        "is_test": call.is_test,
        "kind": call.kind,
        "duration_ms": milliseconds(call.duration_us),
        "executed_by": call.caller,
        "created_at": call.created_at,
    })
}

/// Milliseconds with up to three decimals.
fn milliseconds(microseconds: i64) -> Value {
    let whole = microseconds / 1000;
    if microseconds % 1000 == 0 {
        return whole.into();
    }
    let text = format!("{whole}.{:03}", microseconds % 1000);
    text.parse::<f64>().map_or_else(|_| whole.into(), Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_keeps_its_fraction() {
        assert_eq!(milliseconds(12_345), json!(12.345));
        assert_eq!(milliseconds(90), json!(0.09));
        assert_eq!(milliseconds(3000), json!(3));
    }
}
