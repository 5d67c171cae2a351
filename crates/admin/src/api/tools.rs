//! Tools in the API.

use app::drafts::{self, Inspection, Seen};
use app::identity::Who;
use app::tools::{self, Changes, Detail, Kind, Newest, Revision, Tool};
use app::{App, servers};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{listed, one};
use crate::errors::{Answer, Problem};
use crate::extract::{Body, Id, Paging, Search};
use crate::session::SignedIn;

#[derive(Deserialize)]
pub(crate) struct New {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    uri: Option<String>,
    python_code: String,
    #[serde(default)]
    timeout_ms: Option<i32>,
    #[serde(default)]
    input_schema: Option<Value>,
}

#[derive(Deserialize)]
pub(crate) struct Update {
    name: Option<String>,
    description: Option<String>,
    uri: Option<String>,
    python_code: Option<String>,
    timeout_ms: Option<i32>,
    /// Null is a value here: it makes the schema of the signature again.
    #[serde(default, deserialize_with = "given")]
    input_schema: Option<Value>,
    enabled: Option<bool>,
    /// The digest of the newest version as the client read it.
    digest: Option<String>,
}

/// A field that is there, whatever its value.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
pub(crate) struct Validate {
    code: String,
}

#[derive(Deserialize)]
pub(crate) struct Test {
    tool_id: Uuid,
    #[serde(default)]
    arguments: Map<String, Value>,
    /// Whether the run gets the values of the secrets that it declares.
    #[serde(default)]
    with_secrets: bool,
    /// The digest of the version that is to run.
    #[serde(default)]
    digest: Option<String>,
}

/// GET /api/servers/{id}/tools
pub(crate) async fn list(
    State(app): State<App>,
    Id(server): Id,
    Search(paging): Search<Paging>,
) -> Answer {
    let page = paging.page()?;
    let found = tools::list(&app, server, page).await?.tools;
    Ok(listed(found, page, |(tool, newest)| summary(&tool, &newest)))
}

/// POST /api/servers/{id}/tools
pub(crate) async fn create(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(server_id): Id,
    Body(new): Body<New>,
) -> Answer {
    let kind = match new.kind.as_deref() {
        Some(kind) => kind
            .parse()
            .map_err(|_unknown| Problem::invalid("kind", "expected tool, prompt or resource"))?,
        None => Kind::default(),
    };
    let new = tools::New {
        server_id,
        kind,
        uri: new.uri,
        input_schema: new.input_schema,
        name: new.name,
        description: new.description.unwrap_or_default(),
        python_code: new.python_code,
        timeout_ms: new.timeout_ms,
    };
    let (tool, newest) = tools::create(&app, &Who::from(admin), new).await?;
    let server = servers::get(&app, server_id).await?.server;
    let place = [(LOCATION, format!("/api/tools/{}", tool.id))];
    let body = detail(&Detail { tool, server, newest, live: None });
    Ok((StatusCode::CREATED, place, one(body)).into_response())
}

/// GET /api/tools/{id}
pub(crate) async fn show(State(app): State<App>, Id(id): Id) -> Answer {
    Ok(one(detail(&tools::get(&app, id).await?)))
}

/// PATCH /api/tools/{id}
pub(crate) async fn update(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Body(update): Body<Update>,
) -> Answer {
    let changes = Changes {
        name: update.name,
        description: update.description,
        uri: update.uri,
        input_schema: update.input_schema,
        python_code: update.python_code,
        timeout_ms: update.timeout_ms,
        enabled: update.enabled,
        seen: update.digest,
    };
    tools::update(&app, &Who::from(admin), id, changes).await?;
    Ok(one(detail(&tools::get(&app, id).await?)))
}

/// DELETE /api/tools/{id}
pub(crate) async fn delete(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    tools::delete(&app, &Who::from(admin), id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// GET /api/tools/{id}/versions
pub(crate) async fn versions(
    State(app): State<App>,
    Id(id): Id,
    Search(paging): Search<Paging>,
) -> Answer {
    let page = paging.page()?;
    let found = tools::versions(&app, id, page).await?;
    Ok(listed(found, page, |revision| version(&revision)))
}

/// POST /api/tools/validate-code
pub(crate) async fn validate(State(app): State<App>, Body(body): Body<Validate>) -> Answer {
    Ok(one(inspection(&drafts::validate(&app, &body.code).await?)))
}

/// POST /api/tools/test-code
pub(crate) async fn test(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Body(body): Body<Test>,
) -> Answer {
    let Test { tool_id, arguments, with_secrets, digest } = body;
    let seen = Seen { digest, with_secrets };
    let report = drafts::test_by_admin(&app, &admin, tool_id, arguments, seen).await?;
    let (result, failure) = match &report.outcome {
        Ok(text) => (serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()), None),
        Err(failure) => (Value::Null, Some(failure)),
    };
    Ok(one(json!({
        "success": report.succeeded(),
        "result": result,
        "error": failure.map(|failure| failure.message.clone()).or_else(|| report.text_of_needs()),
        "refused": report.needs,
        "error_kind": failure.map(|failure| failure.kind.as_str()),
        "error_detail": failure.and_then(|failure| failure.detail.as_ref()),
        "stdout": report.stdout,
        "stdout_truncated": report.stdout_truncated,
        "duration_ms": report.duration.as_millis(),
        "peak_memory_bytes": report.memory_bytes,
        "call_id": report.call_id,
    })))
}

/// A tool in a list, without its code.
pub(super) fn summary(tool: &Tool, newest: &Newest) -> Value {
    json!({
        "id": tool.id,
        "server_id": tool.server_id,
        "name": tool.name,
        "description": tool.description,
        "kind": newest.kind,
        "uri": newest.uri,
        "enabled": tool.enabled,
        "live": tool.live_revision.is_some(),
        "approval_status": newest.state,
        "current_version": newest.number,
        "timeout_ms": newest.timeout_ms,
        "tool_type": if newest.imported.is_some() { "mcp_passthrough" } else { "python_code" },
        "external_source_id": newest.imported.as_ref().map(|from| from.source_id),
        "external_tool_name": newest.imported.as_ref().map(|from| &from.name),
        "quarantine": tool.quarantine,
        "created_at": tool.created_at,
        "updated_at": tool.updated_at,
    })
}

pub(super) fn detail(detail: &Detail) -> Value {
    let newest = &detail.newest;
    let approved = newest.decided_at.filter(|_| newest.state == tools::State::Approved);
    let mut body = summary(&detail.tool, &Newest::from(newest));
    if let (Value::Object(body), Value::Object(more)) = (
        &mut body,
        json!({
            "server_name": detail.server.name,
            "digest": newest.digest,
            "capabilities": newest.capabilities,
            "python_code": newest.python_code,
            "input_schema": newest.input_schema,
            "input_schema_given": newest.schema_given,
            "output_schema": newest.output_schema,
            "created_by": newest.created_by,
            "approval_requested_at": newest.requested_at,
            "approval_requested_by": newest.requested_by,
            "remarks": newest.remarks,
            "publish_notes": newest.notes,
            "approved_at": approved,
            "approved_by": approved.and(newest.decided_by.as_ref()),
            "rejection_reason": newest.rejection_reason,
            "live_version": detail.live.as_ref().map(|live| live.number),
            "live_digest": detail.live.as_ref().map(|live| &live.digest),
        }),
    ) {
        body.extend(more);
    }
    body
}

pub(super) fn version(revision: &Revision) -> Value {
    json!({
        "id": revision.id,
        "version": revision.number,
        "digest": revision.digest,
        "name": revision.name,
        "description": revision.description,
        "kind": revision.kind,
        "uri": revision.uri,
        "python_code": revision.python_code,
        "timeout_ms": revision.timeout_ms,
        "capabilities": revision.capabilities,
        "remarks": revision.remarks,
        "input_schema": revision.input_schema,
        "input_schema_given": revision.schema_given,
        "imported": revision.imported,
        "approval_status": revision.state,
        "change_summary": revision.change_summary,
        "change_source": revision.change_source,
        "created_by": revision.created_by,
        "created_at": revision.created_at,
        "decided_by": revision.decided_by,
        "decided_at": revision.decided_at,
        "rejection_reason": revision.rejection_reason,
    })
}

fn inspection(found: &Inspection) -> Value {
    let parameters: Vec<Value> = found
        .parameters
        .iter()
        .map(|parameter| json!({"name": parameter.name, "type": parameter.type_text}))
        .collect();
    let error = found.error.as_ref();
    json!({
        "valid": found.valid,
        "has_main": found.has_main,
        "error": error.map(|error| &error.message),
        "line": error.and_then(|error| error.line),
        "column": error.and_then(|error| error.column),
        "parameters": parameters,
        "input_schema": found.input_schema,
        "output_schema": found.output_schema,
        "description": found.doc,
        "notes": found.notes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::tests::{revision, tool};

    #[test]
    fn a_list_has_no_code_and_a_version_has() {
        let newest = revision(3, "x");
        let listed = summary(&tool(), &Newest::from(&newest));
        assert_eq!(listed.get("approval_status"), Some(&json!("pending_review")));
        assert_eq!(listed.get("python_code"), None);
        assert_eq!(version(&newest).get("python_code"), Some(&json!("x")));
    }

    #[test]
    fn only_an_approved_version_says_who_approved_it() {
        let newest = Revision {
            state: tools::State::Rejected,
            decided_by: Some("grace".to_owned()),
            decided_at: Some(app::clock::now()),
            ..revision(1, "x")
        };
        let server = crate::servers::tests::server(servers::Status::Running);
        let mut found = Detail { tool: tool(), server, newest, live: None };
        assert_eq!(detail(&found).get("approved_by"), Some(&Value::Null));
        found.newest.state = tools::State::Approved;
        assert_eq!(detail(&found).get("approved_by"), Some(&json!("grace")));
    }
}
