//! Resources: artifacts that calls have left, listed and read by range.

use app::App;
use app::artifacts::{self, Address, Part, READ_MAX, TEMPLATE};
use app::identity::{Caller, Who};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, ListResourceTemplatesResult, ListResourcesResult, MetaObject, ReadResourceResult,
    ResourceContents, ResourceTemplate,
};
use serde_json::json;

use crate::content;

/// `resources/list`: the caller's artifacts, newest first.
pub(crate) async fn list(
    app: &App,
    caller: Caller,
    cursor: Option<&str>,
) -> Result<ListResourcesResult, ErrorData> {
    let listed = artifacts::list(app, &Who::from(caller), cursor).await;
    let (found, next) = listed.map_err(|error| refused(&error))?;
    let mut result = ListResourcesResult::with_all_items(found.iter().map(content::link).collect())
        .with_ttl_ms(0)
        .with_cache_scope(CacheScope::Private);
    result.next_cursor = next;
    Ok(result)
}

/// `resources/templates/list`.
pub(crate) fn templates() -> ListResourceTemplatesResult {
    let description = format!(
        "A result that was too large for its answer, from the byte `offset` on, `length` bytes (at \
         most {READ_MAX}). `_meta` of the answer says which bytes it holds and what to read next."
    );
    let template = ResourceTemplate::new(TEMPLATE, "artifact")
        .with_title("Artifact of a call")
        .with_description(description);
    ListResourceTemplatesResult::with_all_items(vec![template])
        .with_ttl_ms(0)
        .with_cache_scope(CacheScope::Private)
}

/// `resources/read` of a part of an artifact.
///
/// # Errors
/// `-32002` (`-32602` from revision 2026-07-28 on) where there is no such artifact for this caller, `-32602` for a range that cannot be
/// read, `-32603` when the database fails.
pub(crate) async fn read(
    app: &App,
    caller: Caller,
    uri: &str,
) -> Result<ReadResourceResult, ErrorData> {
    let who = Who::from(caller);
    let part = async {
        let Address { id, offset, length } = Address::parse(uri)?;
        artifacts::read(app, &who, id, offset, length).await
    };
    let part = part.await.map_err(|error| refused(&error))?;
    Ok(ReadResourceResult::new(contents(&part, uri))
        // An artifact does not change, but it ends.
        .with_ttl_ms(0)
        .with_cache_scope(CacheScope::Private))
}

/// The data, and what a model has to know of a part: where it stands and what to read next.
fn contents(part: &Part, uri: &str) -> Vec<ResourceContents> {
    let next = part.next().map(|offset| {
        let length = u64::try_from(part.data.len()).unwrap_or(READ_MAX);
        Address { id: part.artifact.id, offset, length: Some(length) }.to_string()
    });
    let meta = json!({
        "mcpbox/offset": part.offset,
        "mcpbox/length": part.data.len(),
        "mcpbox/total": part.total(),
        "mcpbox/next": next,
    });
    let data = match part.text() {
        Some(text) => ResourceContents::text(text, uri),
        None => ResourceContents::blob(STANDARD.encode(&part.data), uri),
    };
    let meta = meta.as_object().cloned().unwrap_or_default();
    let data = data.with_mime_type(&part.artifact.mime_type).with_meta(MetaObject(meta));
    if part.offset == 0 && next.is_none() {
        return vec![data];
    }
    let end = part.offset + u64::try_from(part.data.len()).unwrap_or_default();
    let on =
        next.map_or_else(|| "this is the end".to_owned(), |next| format!("read on with {next}"));
    let note = format!("[mcpbox: bytes {} to {end} of {}; {on}]", part.offset, part.total());
    vec![data, ResourceContents::text(note, format!("{}#note", Address::of(part.artifact.id)))]
}

fn refused(error: &app::Error) -> ErrorData {
    match error {
        app::Error::NotFound { .. } => {
            let text = format!(
                "{error}: it has expired, made room for newer ones, belongs to another caller, or \
                 was embedded in its answer; call the tool again"
            );
            ErrorData::resource_not_found(text, None)
        }
        app::Error::Invalid { .. } => ErrorData::invalid_params(error.to_string(), None),
        other => {
            tracing::error!(error = other as &dyn std::error::Error, "reading an artifact failed");
            ErrorData::internal_error(other.to_string(), None)
        }
    }
}
