//! What a revision becomes with an author's changes.

use serde_json::Value;

use super::Changes;
use crate::revisions::{Content, Revision};
use crate::servers::Server;
use crate::{App, Error, Result, drafts, revisions};

/// What the newest revision becomes with the changes; other source is inspected anew.
pub(super) async fn content(
    app: &App,
    server: &Server,
    newest: &Revision,
    changes: Changes,
) -> Result<Content> {
    let mut content = Content::of(newest, server);
    check_imported(newest, &changes)?;
    content.name = changes.name.unwrap_or(content.name);
    let keeps_description = changes.description.is_none();
    content.description = changes.description.unwrap_or(content.description);
    content.uri = changes.uri.or(content.uri);
    match changes.input_schema {
        Some(Value::Null) => content.schema_given = false,
        Some(schema) => {
            content.schema_given = true;
            content.input_schema = Some(schema);
        }
        None => {}
    }
    if let Some(timeout_ms) = changes.timeout_ms {
        content.timeout_ms = timeout_ms;
        content.timeout_inherited = false;
    }
    content.check(server)?;
    if content.imported.is_some() {
        return Ok(content);
    }
    let source = changes.python_code.filter(|source| *source != newest.python_code);
    let is_same = content.uri == newest.uri && !redescribes(newest, &content);
    let is_undescribed =
        content.description.trim().is_empty() && content.description != newest.description;
    if source.is_some() || !is_same || is_undescribed {
        let follows = source.is_some() && keeps_description;
        if follows && is_of_docstring(app, server, newest).await? {
            content.description.clear();
        }
        let source = source.unwrap_or_else(|| newest.python_code.clone());
        let doc = content.read(app, server.id, source).await?;
        content.description = described(content.description, doc.as_deref());
    }
    Ok(content)
}

/// Refuses to change of an imported tool what its source defines.
fn check_imported(newest: &Revision, changes: &Changes) -> Result<()> {
    let Changes { python_code, input_schema, description, uri, .. } = changes;
    let given = [
        ("python_code", python_code.is_some()),
        ("input_schema", input_schema.is_some()),
        ("description", description.as_ref().is_some_and(|text| *text != newest.description)),
        ("uri", uri.is_some()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((field, _)) if newest.imported.is_some() => Err(Error::invalid(
            field,
            "this tool is imported: its source defines what it does; name, timeout_ms and enabled can be changed here",
        )),
        _ => Ok(()),
    }
}

/// Whether what describes a revision is what its docstring says: it then follows the docstring, while
/// what an author wrote stays.
async fn is_of_docstring(app: &App, server: &Server, revision: &Revision) -> Result<bool> {
    if revision.description.trim().is_empty() {
        return Ok(true);
    }
    let doc = drafts::docstring(app, server.id, &revision.python_code).await?;
    Ok(doc.is_some_and(|doc| doc == revision.description))
}

/// Whether the schema of the arguments is another, or made by somebody else.
fn redescribes(newest: &Revision, content: &Content) -> bool {
    let schema = content.input_schema.as_ref().unwrap_or(&Value::Null);
    revisions::schemas_differ(newest, schema, content.schema_given)
}

/// What an author wrote of a tool, or else what its docstring says.
pub(super) fn described(given: String, doc: Option<&str>) -> String {
    if given.trim().is_empty() { doc.unwrap_or_default().to_owned() } else { given }
}
