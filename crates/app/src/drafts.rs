//! Looking at source text and running a draft, before anybody approved it.

use std::sync::Arc;

pub use sandbox::{Inspection, Parameter, SourceError};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::calls::{self, Report, Subject, Trial};
use crate::capabilities::{Capabilities, Effective, Lacking};
use crate::conversation::{Conversation, Silent};
use crate::identity::{Admin, Who};
use crate::revisions::State;
use crate::{App, Error, Result, external_sources, grants, packages, policy, tools};

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

/// What the docstring of source says that a server's tool has.
pub(crate) async fn docstring(app: &App, server_id: Uuid, source: &str) -> Result<Option<String>> {
    Ok(inspect(app, server_id, source).await?.doc)
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

/// Runs the newest revision of a tool, approved or not, without secrets, and logs it as a test. What
/// it asks for and does not have is noted, and it goes on. It talks to the client of `conversation`.
pub async fn test(
    app: &App,
    who: &Who,
    tool_id: Uuid,
    arguments: Map<String, Value>,
    conversation: Arc<dyn Conversation>,
) -> Result<Report> {
    let subject = subject(app, tool_id, Seen::default()).await?;
    if subject.revision.imported.is_some()
        && subject.revision.state != State::Approved
        && !who.is_admin()
    {
        return Err(Error::Denied(
            "an imported tool runs at its source, so there is nothing to test before a person has approved it: file it with mcpbox_request_publish"
                .to_owned(),
        ));
    }
    calls::execute(app, who, subject, arguments, conversation).await
}

/// What a person lets run in a test.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The digest of the revision that the person saw; another one is not run.
    pub digest: Option<String>,
    /// Whether it has the secrets that it declares. It then has to be known what runs.
    pub with_secrets: bool,
}

/// As [`test()`], for a signed-in person, who can let it have the secrets that it declares. It has no
/// client: what it says is not heard, and what it asks is refused.
///
/// # Errors
/// [`Error::Conflict`] if the newest revision is not the one that was seen, [`Error::Invalid`] for
/// secrets without a digest.
pub async fn test_by_admin(
    app: &App,
    admin: &Admin,
    tool_id: Uuid,
    arguments: Map<String, Value>,
    seen: Seen,
) -> Result<Report> {
    if seen.with_secrets && seen.digest.is_none() {
        let reason = "missing; a test with secrets runs only what you saw: send the digest of the version that you read";
        return Err(Error::invalid("digest", reason));
    }
    let subject = subject(app, tool_id, seen).await?;
    let who = Who::from(admin.clone());
    calls::execute(app, &who, subject, arguments, Arc::new(Silent)).await
}

/// The newest revision of a tool, for a trial.
async fn subject(app: &App, tool_id: Uuid, Seen { digest, with_secrets }: Seen) -> Result<Subject> {
    let detail = tools::get(app, tool_id).await?;
    tools::check_seen(&detail.newest, digest.as_deref())?;
    let source = match &detail.newest.imported {
        Some(imported) => {
            Some(Arc::new(external_sources::find(app.store(), imported.source_id).await?))
        }
        None => None,
    };
    let grants = grants::of(app, detail.server.id).await?;
    let declared = Capabilities::of(&detail.newest).resolved(grants.lock.as_deref());
    // Secrets are told of where they are read.
    let policy = policy::get(app).await?;
    let all_public = policy.allows_all_public();
    let lacking = declared.lacking(&grants, all_public, &[])?;
    let lacking = Lacking { secrets: Vec::new(), hosts: Vec::new(), ..lacking };
    Ok(Subject {
        effective: Effective::new(&declared, &grants, all_public)?,
        grants,
        server_id: detail.server.id,
        prefix: detail.server.prefix().to_owned(),
        tool_id,
        revision: detail.newest,
        uri: None,
        redact_result: policy.redacts_results(),
        sealed: None,
        source,
        trial: Some(Trial { needs: lacking.needs(), with_secrets }),
    })
}

/// Inspects source that is to become a revision of a server's tool; only what can run passes. With
/// what it declares, packages at the versions that the server has.
pub(crate) async fn require_runnable(
    app: &App,
    server_id: Uuid,
    source: &str,
) -> Result<(Inspection, Capabilities)> {
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
    let lock = packages::kept(app.store(), server_id).await?;
    let declared = Capabilities::from(inspection.capabilities.clone()).resolved(lock.as_ref());
    Ok((inspection, declared))
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
