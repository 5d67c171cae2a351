//! The call of an imported tool: it runs at its source, and is logged here like any other.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::SpanKind;
use sandbox::{Failure, Limits, Used};
use serde_json::{Map, Value};
use store::external_sources::ExternalSource;
use store::revisions::Imported;

use super::delivery::Delivered;
use super::entry::Entry;
use super::{Report, Subject};
use crate::conversation::Conversation;
use crate::external_sources::{self, Called};
use crate::identity::Who;
use crate::outside::Dialogue;
use crate::redact::Redactor;
use crate::{App, Result};

/// What is called, and with what.
pub(super) struct Call {
    pub(super) imported: Imported,
    pub(super) source: Arc<ExternalSource>,
    pub(super) arguments: Map<String, Value>,
    pub(super) conversation: Arc<dyn Conversation>,
}

/// Calls an imported tool and returns once its row is in the execution log.
pub(super) async fn execute(app: &App, who: &Who, subject: Subject, call: Call) -> Result<Report> {
    let Call { imported, source, arguments, conversation } = call;
    let redactor = external_sources::redactor(app, &source).await?;
    let logged = Value::Object(arguments.clone());
    let entry = Entry::begin(app, who.to_string(), &subject, logged, redactor);
    let redactor = Arc::clone(entry.redactor());
    let log = entry.requests().clone();
    let asking = (app.asking(), app.shares().of(who));
    let dialogue = Dialogue::new(conversation, Arc::clone(&redactor), asking, log);
    let limit = subject.revision.timeout_ms.and_then(|ms| u64::try_from(ms).ok());
    let timeout = limit.map_or(Limits::default().wall, Duration::from_millis);
    let span = entry.observer().span().child("mcp.source", SpanKind::Client);
    let traced = span.traceparent().map(|parent| ("traceparent".to_owned(), Value::from(parent)));
    let called = Called {
        source: &source,
        imported: &imported,
        arguments,
        meta: traced.into_iter().collect(),
        timeout,
        dialogue,
        owner: who.to_string(),
    };
    let waits = entry.observer().wait();
    let outcome = external_sources::call(app, called).await;
    drop(waits);
    if let Err(failure) = &outcome {
        span.failed(failure.kind.as_str());
    }
    drop(span);
    entry.finish(delivered(outcome, &redactor), &subject).await
}

/// What the source answered, without the credentials that it was shown.
fn delivered(outcome: std::result::Result<Value, Failure>, redactor: &Redactor) -> Delivered {
    let (result, passed) = match outcome {
        Ok(result) => {
            let result = redactor.json(result);
            (Ok(result.to_string()), Some(result))
        }
        Err(failure) => (Err(mended(failure, redactor)), None),
    };
    let is_error = passed
        .as_ref()
        .and_then(|result| result.get("isError"))
        .is_some_and(|flag| *flag == Value::Bool(true));
    Delivered {
        result,
        passed,
        content: Vec::new(),
        is_kept: false,
        is_error,
        stdout: String::new(),
        stdout_truncated: false,
        used: Used::default(),
    }
}

fn mended(failure: Failure, redactor: &Redactor) -> Failure {
    Failure {
        message: redactor.text(failure.message),
        detail: failure.detail.map(|detail| redactor.json(detail)),
        ..failure
    }
}
