//! A call's row in the execution log, from its beginning to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sandbox::{Failure, FailureKind};
use serde_json::{Value, json};
use store::calls::Call;
use store::refusals::Refusal;
use uuid::Uuid;

use super::delivery::Delivered;
use super::report::logged_arguments;
use super::{Observer, Report, Subject};
use crate::capabilities::Need;
use crate::metrics::Counted;
use crate::outside::Log;
use crate::redact::Redactor;
use crate::{App, Error, Result, clock, names, revisions};

/// The row of a call that runs. Dropped before it is finished, it is written as cancelled.
pub(super) struct Entry {
    app: App,
    began: Instant,
    row: Option<Call>,
    call_id: Uuid,
    has_output_schema: bool,
    /// What its tool's public name begins with.
    prefix: String,
    requests: Log,
    redactor: Arc<Redactor>,
    observer: Observer,
}

impl Entry {
    /// Notes who calls what, and when.
    pub(super) fn begin(
        app: &App,
        caller: String,
        subject: &Subject,
        arguments: Value,
        redactor: Redactor,
    ) -> Self {
        let call_id = Uuid::now_v7();
        let redactor = Arc::new(redactor);
        let tool_name = names::public(&subject.prefix, &subject.revision.name);
        let observer = Observer::new(app, &subject.revision, &tool_name, &redactor);
        let row = Call {
            id: call_id,
            server_id: subject.server_id,
            tool_id: subject.tool_id,
            revision_id: subject.revision.id,
            digest: subject.revision.digest.clone(),
            tool_name,
            kind: subject.revision.kind,
            caller,
            is_test: subject.trial.is_some(),
            arguments: logged_arguments(redactor.json(arguments)),
            result: None,
            requests: Value::Array(Vec::new()),
            refused: Value::Array(Vec::new()),
            stdout: String::new(),
            error: None,
            error_kind: None,
            success: false,
            duration_us: 0,
            created_at: clock::now(),
        };
        let span = observer.span();
        if span.is_on() {
            span.set("mcpbox.call.id", call_id.to_string());
            span.set("mcpbox.digest", subject.revision.digest.clone());
            span.set("mcpbox.is_test", row.is_test);
        }
        let has_output_schema = subject.revision.output_schema.is_some();
        Self {
            app: app.clone(),
            began: Instant::now(),
            row: Some(row),
            call_id,
            has_output_schema,
            prefix: subject.prefix.clone(),
            requests: Log::default(),
            redactor,
            observer,
        }
    }

    /// The id of the row.
    pub(super) fn call_id(&self) -> Uuid {
        self.call_id
    }

    /// Where its requests are written.
    pub(super) fn requests(&self) -> &Log {
        &self.requests
    }

    pub(super) fn app(&self) -> &App {
        &self.app
    }

    /// Who notices what it does.
    pub(super) fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Takes the values of its secrets out of texts.
    pub(super) fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
    }

    /// Writes the row; returns once it is committed.
    /// What the run was refused is told together with what was known to be lacking.
    pub(super) async fn finish(
        mut self,
        delivered: Delivered,
        subject: &Subject,
    ) -> Result<Report> {
        let Some(row) = self.row.take() else {
            return Err(Error::Conflict("the call has ended already".to_owned()));
        };
        let duration = self.began.elapsed();
        // A tool may have put anything into the names, too.
        let mended = |need: Need| Need { name: self.redactor.text(need.name), ..need };
        let needs = subject.needs(self.requests.needs()).into_iter().map(mended).collect();
        let report = Report {
            needs,
            call_id: row.id,
            tool_name: row.tool_name.clone(),
            outcome: delivered.result,
            passed: delivered.passed,
            content: delivered.content,
            is_kept: delivered.is_kept,
            is_error: delivered.is_error,
            has_output_schema: self.has_output_schema,
            stdout: delivered.stdout,
            stdout_truncated: delivered.stdout_truncated,
            memory_bytes: delivered.used.memory_bytes,
            duration,
        };
        let row = self.ended(row, &report);
        // Written even if the caller goes away meanwhile: what ran is logged.
        let refusals = self.refusals(&row);
        let kept = store::calls::record(self.app.store(), row).await;
        kept.map_err(|error| Error::Unlogged(Box::new(error)))?;
        if !refusals.is_empty() {
            note(&self.app, refusals).await;
        }
        Ok(report)
    }

    /// What the guard refused: a tool may have put anything into the name of a host.
    fn refusals(&self, row: &Call) -> Vec<Refusal> {
        let mut refusals = self.requests.refusals(row.server_id, &row.tool_name);
        for refusal in &mut refusals {
            refusal.host = self.redactor.text(std::mem::take(&mut refusal.host));
            refusal.reason = self.redactor.text(std::mem::take(&mut refusal.reason));
        }
        refusals
    }

    fn ended(&self, row: Call, report: &Report) -> Call {
        let kind = report.error_kind();
        let counted = if row.is_test {
            Counted::Test
        } else {
            let method = revisions::method(row.kind);
            Counted::Call { method, prefix: &self.prefix, public: &row.tool_name }
        };
        self.observer.ended(counted, kind, report.duration);
        Call {
            result: report.logged_result(),
            requests: self.redactor.cut_json(self.requests.written()),
            refused: self.redactor.cut_json(json!(report.needs)),
            stdout: report.logged_stdout(),
            error: report.logged_error(),
            error_kind: kind.map(str::to_owned),
            success: report.succeeded(),
            duration_us: i64::try_from(report.duration.as_micros()).unwrap_or(i64::MAX),
            ..row
        }
    }

    /// Nothing ran, so nothing is written.
    pub(super) fn abandon<T>(mut self, error: Error) -> Result<T> {
        self.row = None;
        self.observer.span().failed("refused");
        Err(error)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Some(row) = self.row.take() else { return };
        let report = cancelled(&row, self.began.elapsed());
        let refusals = self.refusals(&row);
        let row = self.ended(row, &report);
        let app = self.app.clone();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = store::calls::record(app.store(), row).await {
                tracing::error!(%error, "a cancelled call could not be logged");
            }
            if !refusals.is_empty() {
                note(&app, refusals).await;
            }
        });
    }
}

fn cancelled(row: &Call, duration: Duration) -> Report {
    let failure = Failure {
        kind: FailureKind::Cancelled,
        message:
            "the caller cancelled the call or went away, or this program ended, before it was done"
                .to_owned(),
        detail: None,
    };
    Report {
        needs: Vec::new(),
        call_id: row.id,
        tool_name: row.tool_name.clone(),
        outcome: Err(failure),
        passed: None,
        content: Vec::new(),
        is_kept: false,
        is_error: false,
        has_output_schema: false,
        stdout: String::new(),
        stdout_truncated: false,
        memory_bytes: 0,
        duration,
    }
}

/// Keeps what the guard refused. The call's own row has it as well.
async fn note(app: &App, refusals: Vec<Refusal>) {
    let noted = async {
        let transaction = app.store().begin().await?;
        store::refusals::record(&transaction, refusals).await?;
        transaction.commit().await
    };
    if let Err(error) = noted.await {
        tracing::error!(%error, "what a tool was refused could not be kept");
    }
}
