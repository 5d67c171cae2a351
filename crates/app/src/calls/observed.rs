//! What is noticed of a run for metrics and traces: that it waits, what it asks for, how it ended.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::SpanKind;
use outbound::{Record, Request};
use store::revisions::Revision;

use crate::App;
use crate::metrics::{Counted, Metrics, Wait, Waits};
use crate::redact::Redactor;
use crate::trace::Span;

/// The header by which a request says which span it belongs to.
const TRACEPARENT: &str = "traceparent";

/// Notices what one run does. Clones notice for the same run.
#[derive(Clone)]
pub(crate) struct Observer {
    metrics: Metrics,
    waits: Waits,
    span: Arc<Span>,
    redactor: Arc<Redactor>,
}

/// A request to another machine that is under way.
pub(crate) struct Noticed {
    observer: Observer,
    span: Span,
    _wait: Wait,
}

impl Observer {
    pub(super) fn new(
        app: &App,
        revision: &Revision,
        public_name: &str,
        redactor: &Arc<Redactor>,
    ) -> Self {
        let metrics = app.metrics().clone();
        let span = Arc::new(app.traces().call(revision, public_name));
        Self { waits: metrics.waits(), metrics, span, redactor: Arc::clone(redactor) }
    }

    /// The span of the run.
    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// Notes that the run waits for something outside, until what is returned is dropped.
    pub(crate) fn wait(&self) -> Wait {
        self.waits.begin()
    }

    /// Notes a request that is about to be made; where the operator wants that, it then says which
    /// trace it belongs to, unless the tool does.
    pub(crate) fn request(&self, request: &mut Request) -> Noticed {
        let span = self.span.child("http.request", SpanKind::Client);
        let says = |(name, _): &(String, Vec<u8>)| name.eq_ignore_ascii_case(TRACEPARENT);
        if let Some(parent) = span.traceparent()
            && !request.headers.iter().any(says)
        {
            request.headers.push((TRACEPARENT.to_owned(), parent.into_bytes()));
        }
        Noticed { observer: self.clone(), span, _wait: self.wait() }
    }

    /// Notes how the run ended.
    pub(super) fn ended(&self, what: Counted<'_>, failure: Option<&'static str>, took: Duration) {
        self.metrics.ran(what, failure.unwrap_or("ok"), took);
        if let Some(kind) = failure {
            self.span.failed(kind);
        }
    }
}

impl Noticed {
    /// Notes how the request ended.
    pub(crate) fn end(self, record: &Record) {
        self.observer.metrics.outbound(record);
        if self.span.is_on() {
            let origin = record.place.origin.as_str();
            let host = origin.split_once("://").map_or(origin, |(_scheme, host)| host);
            self.span.requested(record, self.observer.redactor.text(host.to_owned()));
        }
    }
}
