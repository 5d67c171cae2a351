//! Traces of calls: a span for each, with what it does as children, sent to the operator's collector.
//!
//! A span never carries arguments, results or anything else that a tool or a caller wrote, but for
//! names that a person approved.

mod export;
mod incoming;
mod management;

use std::sync::Arc;
use std::time::Duration;

pub use incoming::{Incoming, within};
pub use management::managed;
use opentelemetry::trace::{
    SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use outbound::{Client, Record};

use crate::revisions::{self, Kind, Revision};
use crate::{Error, Result};

/// How long the last spans may take to be sent.
const FLUSH: Duration = Duration::from_secs(5);

/// Where traces go, as the operator set it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The address that takes traces by OTLP in HTTP, `http://127.0.0.1:4318/v1/traces`.
    pub traces_url: Option<String>,
    /// What this program is called in them; `OTEL_RESOURCE_ATTRIBUTES` or `mcpbox` where absent.
    pub service_name: Option<String>,
    /// Whether requests of tools tell the hosts which trace they belong to.
    pub tell_hosts: bool,
}

/// Makes spans; without a collector it makes none. Clones share it.
#[derive(Clone)]
pub(crate) struct Traces(Option<Arc<Collected>>);

struct Collected {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    tell_hosts: bool,
}

/// A span, or nothing where there is no collector. It ends when it is dropped.
pub(crate) struct Span(Option<Open>);

struct Open {
    collected: Arc<Collected>,
    context: Context,
}

impl Traces {
    /// Without a collector.
    pub(crate) fn off() -> Self {
        Self(None)
    }

    /// # Errors
    /// [`Error::Unavailable`] when the address is none that spans can be sent to.
    pub(crate) fn new(settings: &Settings, client: &Client) -> Result<Self> {
        let Some(url) = &settings.traces_url else { return Ok(Self::off()) };
        let exporter = export::exporter(client, url)?;
        let mut resource = Resource::builder();
        if let Some(name) = &settings.service_name {
            resource = resource.with_service_name(name.clone());
        }
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.with_attribute(version).build())
            .build();
        let tracer = provider.tracer("mcpbox");
        let tell_hosts = settings.tell_hosts;
        Ok(Self(Some(Arc::new(Collected { provider, tracer, tell_hosts }))))
    }

    /// The span of a call, in the trace that its request named.
    pub(crate) fn call(&self, revision: &Revision, public_name: &str) -> Span {
        let Some(collected) = &self.0 else { return Span(None) };
        let parent = incoming::parent();
        let method = revisions::method(revision.kind);
        let name = match revision.kind {
            Kind::Tool | Kind::Prompt => format!("{method} {public_name}"),
            Kind::Resource => method.to_owned(),
        };
        let span = Span::begin(collected, name, SpanKind::Server, &parent);
        span.set("mcp.method.name", method);
        let public_name = public_name.to_owned();
        match (revision.kind, &revision.uri) {
            (Kind::Tool, _) => {
                span.set("gen_ai.operation.name", "execute_tool");
                span.set("gen_ai.tool.name", public_name);
            }
            (Kind::Prompt, _) => span.set("gen_ai.prompt.name", public_name),
            (Kind::Resource, uri) => {
                span.set("mcpbox.resource.name", public_name);
                // What a caller put into the variables of a template is an argument.
                let is_whole = |uri: &&String| !uri.contains('{');
                if let Some(uri) = uri.as_ref().filter(is_whole) {
                    span.set("mcp.resource.uri", uri.clone());
                }
            }
        }
        span
    }

    /// Sends what has not been sent; nothing is sent afterwards.
    pub(crate) async fn close(&self) {
        let Some(collected) = self.0.clone() else { return };
        let closing = move || collected.provider.shutdown_with_timeout(FLUSH);
        match tokio::task::spawn_blocking(closing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans were not sent"),
            Err(error) => tracing::warn!(%error, "the last spans were not sent"),
        }
    }
}

impl Span {
    fn begin(collected: &Arc<Collected>, name: String, kind: SpanKind, parent: &Context) -> Self {
        let tracer = &collected.tracer;
        let span = tracer.span_builder(name).with_kind(kind).start_with_context(tracer, parent);
        let context = parent.with_span(span);
        Self(Some(Open { collected: Arc::clone(collected), context }))
    }

    /// A part of it.
    pub(crate) fn child(&self, name: &'static str, kind: SpanKind) -> Self {
        match &self.0 {
            Some(open) => Self::begin(&open.collected, name.to_owned(), kind, &open.context),
            None => Self(None),
        }
    }

    pub(crate) fn set(&self, key: &'static str, value: impl Into<Value>) {
        if let Some(open) = &self.0 {
            open.context.span().set_attribute(KeyValue::new(key, value));
        }
    }

    /// Whether anybody looks at what is set.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Notes that it failed, by the kind of the failure alone: its text may hold anything.
    pub(crate) fn failed(&self, kind: impl Into<StringValue>) {
        if let Some(open) = &self.0 {
            let span = open.context.span();
            span.set_attribute(KeyValue::new("error.type", kind.into()));
            span.set_status(Status::error(""));
        }
    }

    /// The header that tells another program which span asks; nothing where that is not wanted.
    pub(crate) fn traceparent(&self) -> Option<String> {
        let open = self.0.as_ref().filter(|open| open.collected.tell_hosts)?;
        let span = open.context.span();
        let own = span.span_context();
        let (trace, id, flags) = (own.trace_id(), own.span_id(), own.trace_flags().to_u8() & 1);
        Some(format!("00-{trace}-{id}-{flags:02x}"))
    }

    /// Notes what came of a request to another machine. Only usual methods are told, and the path
    /// never: a tool may have put anything into both. `host` is without what is secret.
    pub(crate) fn requested(&self, record: &Record, host: String) {
        if !self.is_on() {
            return;
        }
        let usual = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let method = usual.into_iter().find(|usual| *usual == record.method).unwrap_or("_OTHER");
        self.set("http.request.method", method);
        self.set("server.address", host);
        if let Some(status) = record.status {
            self.set("http.response.status_code", i64::from(status));
            if status >= 400 {
                self.failed(status.to_string());
            }
        }
        if let Some(failure) = &record.failure {
            self.failed(format!("{:?}", failure.kind));
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(open) = &self.0 {
            open.context.span().end();
        }
    }
}

fn unusable(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::unavailable("the collector of traces", source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_collector_nothing_is_made() {
        let revision = crate::calls::tests::live("").revision;
        let span = Traces::off().call(&revision, "weather__now");
        assert!(!span.is_on() && !span.child("sandbox", SpanKind::Internal).is_on());
        assert_eq!(span.traceparent(), None);
    }
}
