//! Running tools: what runs, with which limits, and its row in the execution log.

mod delivery;
mod entry;
mod imported;
mod numbers;
mod observed;
mod ready;
mod redaction;
mod report;
mod served;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use delivery::{ANSWER_MAX, Content, Kept};
use entry::Entry;
pub use numbers::for_clients;
pub(crate) use observed::Observer;
use opentelemetry::trace::SpanKind;
pub(crate) use ready::Ready;
use redaction::Plain;
pub use report::Report;
use sandbox::{Arguments, Limits, Outcome, Purpose, Run};
pub use sandbox::{Failure, FailureKind, Media, MediaKind};
use serde_json::{Map, Value};
pub use served::run;
pub(crate) use served::{live, live_name, live_resource, read, read_name, run_as};
pub use store::calls::{Call, Filter};
use store::external_sources::ExternalSource;
use store::revisions::Revision;
use store::secrets::Secret;
use uuid::Uuid;

use crate::capabilities::{Capabilities, Effective, Need};
use crate::conversation::Conversation;
use crate::grants::Grants;
use crate::identity::Who;
use crate::outside::{Dialogue, Outside};
use crate::redact::{Redactor, Secrets};
use crate::revisions::Kind;
use crate::{App, Error, Listed, Page, Result, packages, resources, secrets};

/// A revision that is about to run.
pub(crate) struct Subject {
    pub(crate) server_id: Uuid,
    /// What the name begins with under which clients see the tool.
    pub(crate) prefix: String,
    pub(crate) tool_id: Uuid,
    pub(crate) revision: Revision,
    /// Under which a resource is read; in a test it is made of the arguments.
    pub(crate) uri: Option<String>,
    pub(crate) grants: Grants,
    /// What it may use.
    pub(crate) effective: Effective,
    /// Whether the values of secrets are taken out of the result that is answered. Out of logs,
    /// errors and what is kept they always are.
    pub(crate) redact_result: bool,
    /// The rows of its secrets, where they were read before.
    pub(crate) sealed: Option<Arc<[Secret]>>,
    /// Where it runs, where it is imported.
    pub(crate) source: Option<Arc<ExternalSource>>,
    /// What it may run as.
    pub(crate) trial: Option<Trial>,
}

/// A run that is no client's call.
pub(crate) struct Trial {
    /// What is known to be lacking before it runs.
    pub(crate) needs: Vec<Need>,
    /// Whether it gets secrets: only a person can say so.
    pub(crate) with_secrets: bool,
}

/// The execution log, newest first.
pub async fn logs(app: &App, filter: &Filter, page: Page) -> Result<Listed<Call>> {
    Ok(store::calls::list(app.store(), filter, page).await?)
}

/// One row of the execution log.
pub async fn find(app: &App, id: Uuid) -> Result<Call> {
    store::calls::find(app.store(), id).await?.ok_or_else(|| Error::not_found("Call", &id))
}

/// Runs a revision and returns once its row is in the execution log.
///
/// A caller that goes away cancels the run, which is logged as well.
pub(crate) async fn execute(
    app: &App,
    who: &Who,
    subject: Subject,
    arguments: Map<String, Value>,
    conversation: Arc<dyn Conversation>,
) -> Result<Report> {
    check_digest(app, &subject.revision)?;
    if let (Some(imported), Some(source)) = (&subject.revision.imported, &subject.source) {
        let (imported, source) = (imported.clone(), Arc::clone(source));
        let call = imported::Call { imported, source, arguments, conversation };
        return imported::execute(app, who, subject, call).await;
    }
    let arguments = Value::Object(arguments);
    let secrets = secrets_of(app, &subject).await?;
    let redactor = Redactor::new(&secrets);
    let entry = Entry::begin(app, who.to_string(), &subject, arguments.clone(), redactor);
    let (redactor, log) = (Arc::clone(entry.redactor()), entry.requests().clone());
    let asking = (app.asking(), app.shares().of(who));
    let dialogue = Dialogue::new(conversation, redactor, asking, log);
    let outcome = match attempt(&entry, &subject, &arguments, &secrets, dialogue).await {
        Ok(outcome) => outcome,
        Err(error) => return entry.abandon(error),
    };
    let plain = Plain::of(&outcome, entry.redactor(), subject.redact_result);
    let outcome = redaction::redacted(outcome, entry.redactor());
    let outcome = readable(outcome, subject.revision.kind);
    let delivered = delivery::deliver(app, entry.call_id(), who, outcome).await;
    let report = entry.finish(delivered, &subject).await?;
    Ok(match plain {
        Some(plain) => plain.shown_in(report),
        None => report,
    })
}

/// What a call is given: only what its revision declares, and nothing in a test that is not to have
/// it.
pub(crate) async fn secrets_of(app: &App, subject: &Subject) -> Result<Secrets> {
    if subject.trial.as_ref().is_some_and(|trial| !trial.with_secrets) {
        return Ok(Secrets::default());
    }
    let declared = secrets::declared(&subject.revision.capabilities);
    secrets::of_call(app, subject.server_id, &declared, subject.sealed.as_deref()).await
}

impl Subject {
    /// What a trial run needs a person for: what was known to be lacking before, and what it was
    /// refused. Nothing for a client's call.
    fn needs(&self, refused: Vec<Need>) -> Vec<Need> {
        let Some(trial) = &self.trial else { return Vec::new() };
        let declared = Capabilities::of(&self.revision);
        let mut needs = trial.needs.clone();
        for need in refused {
            let declared = declared.declares(&need);
            if !needs.iter().any(|known| (known.kind, &known.name) == (need.kind, &need.name)) {
                needs.push(Need { declared, ..need });
            }
        }
        needs
    }
}

/// Only what was filed under this digest runs, from the database or from what is kept of it: what was
/// changed behind our back does not.
fn check_digest(app: &App, revision: &Revision) -> Result<()> {
    if app.altered().is_intact(revision) {
        return Ok(());
    }
    tracing::error!(revision = %revision.id, "a revision does not match its digest; not running it");
    Err(Error::Conflict(format!(
        "revision {} of this tool does not match the digest it was filed under, so it is not run; save it again and have it approved",
        revision.number
    )))
}

async fn attempt(
    entry: &Entry,
    subject: &Subject,
    arguments: &Value,
    secrets: &Secrets,
    dialogue: Dialogue,
) -> Result<Outcome> {
    let app = entry.app();
    let Subject { server_id, revision, grants, effective, .. } = subject;
    let wall = revision.timeout_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
    let defaults = Limits::default();
    let wall = wall.unwrap_or(defaults.wall);
    let result_bytes = match revision.kind {
        Kind::Tool => defaults.result_bytes,
        // Nothing of what clients read or begin with is kept as an artifact.
        Kind::Prompt | Kind::Resource => ANSWER_MAX,
    };
    let set = packages::set::of_call(app, grants, &revision.python_code, wall).await?;
    let run = Run {
        source: revision.python_code.clone(),
        arguments: given_to_main(subject, arguments),
        secrets: given(app, subject, secrets).await?,
        client: dialogue.abilities(),
        modules: effective.modules.clone(),
        set,
        limits: Limits { wall, result_bytes, ..defaults },
        group: *server_id,
    };
    let host = Outside::new(app.outbound()?, *server_id, effective.network.clone(), dialogue);
    let host = host.observed(entry.observer());
    let host = if subject.trial.is_some() { host.learning() } else { host };
    let sandbox = app.sandbox()?;
    let span = entry.observer().span().child("sandbox", SpanKind::Internal);
    let outcome = sandbox.run(run, Arc::new(host)).await;
    if span.is_on() {
        let memory = i64::try_from(outcome.used.memory_bytes).unwrap_or(i64::MAX);
        span.set("mcpbox.memory_bytes", memory);
    }
    Ok(outcome)
}

/// What `main` is given, and what it is run for.
fn given_to_main(Subject { revision, uri, .. }: &Subject, arguments: &Value) -> Arguments {
    let made = || {
        let (template, given) = (revision.uri.as_ref()?, arguments.as_object()?);
        Some(resources::uri_of(template, given))
    };
    let uri = uri.clone().or_else(made);
    let purpose = match revision.kind {
        Kind::Tool => Purpose::Tool,
        Kind::Prompt => Purpose::Prompt,
        Kind::Resource => Purpose::Resource { uri: uri.unwrap_or_default() },
    };
    let schema = revision.schema_given.then(|| revision.input_schema.to_string());
    Arguments { values: arguments.to_string(), purpose, schema }
}

/// What the run reads as `secrets`. A trial without them has placeholders for those that are set, so
/// that it takes the way of a real call.
async fn given(app: &App, subject: &Subject, secrets: &Secrets) -> Result<sandbox::Secrets> {
    let declared = secrets::declared(&subject.revision.capabilities);
    let exposed = secrets.exposed().into_iter();
    let mut values: BTreeMap<String, String> =
        exposed.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    if subject.trial.as_ref().is_some_and(|trial| !trial.with_secrets) {
        let set = secrets::set_among(app, subject.server_id, &declared).await?;
        values.extend(set.into_iter().map(|name| {
            let placeholder = sandbox::Secrets::placeholder(&name);
            (name, placeholder)
        }));
    }
    let unset = declared.into_iter().filter(|name| !values.contains_key(name));
    let refusals = unset.map(|name| {
        let why = format!(
            "secret `{name}` has no value yet: a person sets it on the page of the tool's server"
        );
        (name, why)
    });
    let refusals = refusals.collect();
    Ok(sandbox::Secrets { values, refusals, learning: subject.trial.is_some() })
}

/// The outcome, or a failure if the result is no JSON that clients could read. The sandbox has
/// checked arguments and result against the signature; a schema is never evaluated out here, where
/// one that a tool forged could hold up everybody.
fn readable(outcome: Outcome, kind: Kind) -> Outcome {
    let Ok(text) = &outcome.result else { return outcome };
    if text.len() > ANSWER_MAX {
        if kind == Kind::Tool {
            // It is kept as a text, which no client has to read as JSON.
            return outcome;
        }
        // What stands for the values of secrets may be longer than they are.
        let message = format!("the result has more than {ANSWER_MAX} bytes: return less");
        let kind = FailureKind::ResultTooLarge;
        return Outcome { result: Err(Failure { kind, message, detail: None }), ..outcome };
    }
    match serde_json::from_str::<Value>(text) {
        Ok(_) => outcome,
        Err(error) => {
            let message = format!(
                "the result is JSON that clients cannot read ({error}); return a flatter value and smaller numbers"
            );
            let kind = FailureKind::NotSerializable;
            Outcome { result: Err(Failure { kind, message, detail: None }), ..outcome }
        }
    }
}

/// What a failure of the sandbox itself means to who asked.
pub(crate) fn sandbox_failure(failure: Failure) -> Error {
    match failure.kind {
        FailureKind::Busy => Error::Busy { reason: failure.message, retry_after_seconds: 1 },
        FailureKind::WorkerLost => Error::unavailable("the sandbox", failure),
        _ => Error::Source { message: failure.message, line: None, column: None },
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::DateTime;
    use serde_json::json;
    use store::revisions::State;
    use store::tools::LiveTool;

    use super::*;
    use crate::conversation::Silent;
    use crate::digest;
    use crate::identity::{Caller, Scopes};

    pub(crate) fn live(python_code: &str) -> LiveTool {
        let mut revision = Revision {
            id: Uuid::now_v7(),
            tool_id: Uuid::now_v7(),
            number: 1,
            digest: String::new(),
            name: "circle".to_owned(),
            description: String::new(),
            kind: Kind::Tool,
            uri: None,
            imported: None,
            python_code: python_code.to_owned(),
            timeout_ms: None,
            input_schema: json!({"type": "object"}),
            schema_given: false,
            output_schema: None,
            timeout_inherited: false,
            capabilities: json!({}),
            remarks: Vec::new(),
            state: State::Approved,
            change_summary: String::new(),
            change_source: "edit".to_owned(),
            created_by: "claude".to_owned(),
            created_at: DateTime::UNIX_EPOCH,
            requested_at: None,
            requested_by: None,
            notes: None,
            decided_at: None,
            decided_by: None,
            rejection_reason: None,
        };
        revision.digest = digest::of(&revision);
        LiveTool {
            server_id: Uuid::now_v7(),
            server_name: "shapes".to_owned(),
            prefix: "shapes".to_owned(),
            tool_id: revision.tool_id,
            default_timeout_ms: 30_000,
            revision,
        }
    }

    /// A revision of a server that declares these capabilities, in a call or in a test.
    pub(crate) fn subject(
        server_id: Uuid,
        capabilities: &Value,
        (is_test, with_secrets): (bool, bool),
    ) -> Subject {
        let LiveTool { prefix, tool_id, revision, .. } = live("");
        let revision = Revision { capabilities: capabilities.clone(), ..revision };
        let declared = Capabilities::of(&revision);
        let grants = Grants::default();
        Subject {
            server_id,
            prefix,
            tool_id,
            effective: Effective::new(&declared, &grants, false).expect("no grants"),
            trial: is_test.then(|| Trial { needs: Vec::new(), with_secrets }),
            revision,
            uri: None,
            grants,
            redact_result: true,
            sealed: None,
            source: None,
        }
    }

    #[tokio::test]
    async fn a_tool_that_is_kept_ready_is_held_against_its_digest_before_each_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = crate::Location::Sqlite(folder.path().join("mcpbox.db"));
        let app = App::open_without_sandbox(&location).await.expect("the app opens");
        let (token, client) = (Some("claude".to_owned()), None);
        let caller = Caller { token, client, address: None, scopes: Scopes::ALL };
        let call = async |tool: &LiveTool| {
            app.ready().keep(&app, tool.clone()).await.expect("it is kept");
            let silent = Arc::new(Silent);
            run(&app, &caller, "shapes__circle", Map::new(), silent).await.expect_err("no sandbox")
        };

        let approved = live("async def main() -> int:\n    return 1\n");
        let error = call(&approved).await;
        assert!(
            matches!(error, Error::Unavailable { .. }),
            "it gets as far as the sandbox: {error}"
        );

        let mut altered = approved.clone();
        altered.revision.python_code.push_str("\nasync def main() -> int:\n    return 2\n");
        let error = call(&altered).await;
        assert!(matches!(error, Error::Conflict(_)), "{error}");
        assert!(error.to_string().contains("revision 1"), "{error}");
        // Called again it is no better.
        let silent = Arc::new(Silent);
        let error = run(&app, &caller, "shapes__circle", Map::new(), silent).await;
        let error = error.expect_err("altered");
        assert!(matches!(error, Error::Conflict(_)), "{error}");
    }
}
