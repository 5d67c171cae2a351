//! Looking at source text and running a draft, before anybody approved it.

pub use sandbox::{Inspection, Parameter, SourceError};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::calls::{self, Report, Subject};
use crate::identity::Who;
use crate::{App, Error, Result, grants, packages, schema, tools};

/// The longest source text of a tool, in bytes.
pub const SOURCE_MAX_BYTES: usize = sandbox::Limits::SOURCE_MAX;

/// Reads source text in the sandbox without saving it: syntax, `main`, parameters, schemas.
///
/// # Errors
/// [`Error::Invalid`] for source that is empty or too long, [`Error::Busy`] or
/// [`Error::Unavailable`] when the sandbox cannot look at it. Bad source is no error: the
/// inspection says what is wrong with it.
pub async fn validate(app: &App, source: &str) -> Result<Inspection> {
    // Of no server: all who only look at source share one part of the sandbox.
    inspect(app, Uuid::nil(), source).await
}

async fn inspect(app: &App, server_id: Uuid, source: &str) -> Result<Inspection> {
    check_size(source)?;
    let grants = grants::of(app, server_id).await?;
    let modules = grants.module_policy()?;
    let wall = sandbox::Limits::default().wall;
    let set = packages::set::of_call(app, &grants, source, wall).await?;
    app.sandbox()?
        .inspect(source, &modules, set.as_ref(), server_id)
        .await
        .map_err(calls::sandbox_failure)
}

/// Runs the newest revision of a tool, approved or not, without secrets, and logs it as a test.
pub async fn test(
    app: &App,
    who: &Who,
    tool_id: Uuid,
    arguments: Map<String, Value>,
) -> Result<Report> {
    let detail = tools::get(app, tool_id).await?;
    let subject = Subject {
        grants: grants::of(app, detail.server.id).await?,
        server_id: detail.server.id,
        prefix: detail.server.prefix().to_owned(),
        tool_id,
        revision: detail.newest,
        is_test: true,
        with_secrets: false,
        redact_result: true,
        sealed: None,
    };
    calls::execute(app, who, subject, arguments).await
}

/// Inspects source that is to become a revision of a server's tool; only what can run passes.
pub(crate) async fn require_runnable(
    app: &App,
    server_id: Uuid,
    source: &str,
) -> Result<Inspection> {
    let inspection = inspect(app, server_id, source).await?;
    if let Some(error) = &inspection.error {
        return Err(Error::Source {
            message: error.message.clone(),
            line: error.line,
            column: error.column,
        });
    }
    if !inspection.has_main {
        return Err(Error::invalid(
            "python_code",
            "the code must define `async def main(...)` at its top level",
        ));
    }
    let schemas = [("input", &inspection.input_schema), ("output", &inspection.output_schema)];
    for (which, schema) in schemas {
        if let Some(fault) = schema.as_ref().and_then(schema::fault) {
            return Err(Error::invalid(
                "python_code",
                format!(
                    "the {which} schema made from the signature of `main` cannot be used: {fault}; simplify the annotations"
                ),
            ));
        }
    }
    Ok(inspection)
}

fn check_size(source: &str) -> Result<()> {
    if source.trim().is_empty() {
        return Err(Error::invalid("python_code", "the code is empty"));
    }
    if source.len() > SOURCE_MAX_BYTES {
        return Err(Error::invalid(
            "python_code",
            format!(
                "the code has {} bytes; at most {SOURCE_MAX_BYTES} are allowed: split it into several tools or shorten it",
                source.len()
            ),
        ));
    }
    if source.contains('\0') {
        return Err(Error::invalid("python_code", "the character NUL (U+0000) is not allowed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_is_taken_up_to_the_limit_and_not_beyond() {
        assert!(check_size(&"x".repeat(SOURCE_MAX_BYTES)).is_ok());
        let text = check_size(&"x".repeat(SOURCE_MAX_BYTES + 1)).unwrap_err().to_string();
        assert!(text.contains("100001") && text.contains("100000"), "{text}");
        assert!(check_size("  \n").is_err());
    }
}
