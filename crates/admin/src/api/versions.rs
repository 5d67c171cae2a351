//! The versions of tools in the API: one, two compared, going back, taking an approval back.

use app::identity::Who;
use app::tools::{self, Revision};
use app::{App, approvals};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::one;
use super::tools::version;
use crate::errors::{Answer, Problem};
use crate::extract::{Id, IdAndName, Search};
use crate::session::SignedIn;

#[derive(Deserialize)]
pub(crate) struct Pair {
    from_version: i32,
    to_version: i32,
}

#[derive(Deserialize, Default)]
pub(crate) struct Revoke {
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// GET /api/tools/{id}/versions/{version}
pub(crate) async fn show(State(app): State<App>, IdAndName(id, number): IdAndName) -> Answer {
    Ok(one(version(&find(&app, id, &number).await?)))
}

/// GET `/api/tools/{id}/versions/compare?from_version=…&to_version=…`
pub(crate) async fn compare(
    State(app): State<App>,
    Id(id): Id,
    Search(pair): Search<Pair>,
) -> Answer {
    let from = tools::version(&app, id, pair.from_version).await?;
    let to = tools::version(&app, id, pair.to_version).await?;
    Ok(one(json!({
        "tool_id": id,
        "from_version": from.number,
        "to_version": to.number,
        "from_digest": from.digest,
        "to_digest": to.digest,
        "differences": differences(&from, &to),
    })))
}

/// POST /api/tools/{id}/versions/{version}/rollback
pub(crate) async fn rollback(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    IdAndName(id, number): IdAndName,
) -> Answer {
    let old = find(&app, id, &number).await?;
    let done = approvals::rollback(&app, &Who::from(admin), id, old.number).await?;
    let mut body = super::tools::detail(&tools::get(&app, id).await?);
    if let Value::Object(body) = &mut body {
        body.insert("success".to_owned(), json!(true));
        body.insert("approved".to_owned(), json!(done.approved));
    }
    Ok(one(body))
}

/// POST /api/approvals/tools/{id}/revoke
pub(crate) async fn revoke(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    body: Bytes,
) -> Answer {
    let Revoke { digest, reason } = read(&body)?;
    let done = approvals::revoke(&app, &admin, id, digest.as_deref(), reason.as_deref()).await?;
    let revision = done.revision;
    Ok(one(json!({
        "success": true,
        "tool_id": id,
        "name": revision.name,
        "status": revision.state,
        "version": revision.number,
        "digest": revision.digest,
        "message": format!("the approval of version {} of `{}` is revoked", revision.number, revision.name),
    })))
}

/// What was sent; older clients send nothing.
fn read(body: &[u8]) -> Result<Revoke, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Revoke::default());
    }
    serde_json::from_slice(body).map_err(|error| {
        let detail = format!("expected an object with `digest` and `reason`, or nothing: {error}");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
    })
}

async fn find(app: &App, id: Uuid, number: &str) -> Result<Revision, Problem> {
    let number = number
        .parse()
        .map_err(|_no_number| Problem::not_found(format!("this tool has no version {number}")))?;
    Ok(tools::version(app, id, number).await?)
}

/// The fields that differ, in the form of the API's older clients.
fn differences(from: &Revision, to: &Revision) -> Vec<Value> {
    let fields = |revision: &Revision| {
        [
            ("name", json!(revision.name)),
            ("description", json!(revision.description)),
            ("uri", json!(revision.uri)),
            ("timeout_ms", json!(revision.timeout_ms)),
            ("python_code", json!(revision.python_code)),
            ("capabilities", revision.capabilities.clone()),
            ("input_schema", revision.input_schema.clone()),
            ("input_schema_given", json!(revision.schema_given)),
            ("output_schema", json!(revision.output_schema)),
            ("imported", json!(revision.imported)),
        ]
    };
    let pairs = fields(from).into_iter().zip(fields(to));
    let differing = pairs.filter(|((_, old), (_, new))| old != new);
    differing
        .map(|((field, old), (_, new))| {
            json!({ "field": field, "old_value": old, "new_value": new })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::tests::revision;

    #[test]
    fn only_what_differs_is_listed() {
        let (from, mut to) = (revision(1, "a"), revision(2, "b"));
        to.capabilities = json!({"hosts": ["a.example"]});
        let found = differences(&from, &to);
        let fields: Vec<_> = found.iter().map(|one| one["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["python_code", "capabilities"]);
        assert_eq!(found[0], json!({"field": "python_code", "old_value": "a", "new_value": "b"}));
        assert!(differences(&from, &from).is_empty());
    }
}
