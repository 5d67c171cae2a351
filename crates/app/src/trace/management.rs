//! Spans of management tools, which no revision is run for but by what they run themselves.

use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, TraceContextExt as _};

use super::{Span, Traces, incoming};
use crate::App;

/// What a failure of a management tool is called, whose text may hold anything.
const FAILED: &str = "tool_error";

/// Carries out the call of a management tool as a span, in the trace that its request named; a draft
/// that it runs is a part of it. `is_error` tells whether it failed.
pub async fn managed<F: Future>(
    app: &App,
    name: &'static str,
    is_error: impl FnOnce(&F::Output) -> bool,
    running: F,
) -> F::Output {
    let span = app.traces().management(name);
    let Some(context) = span.context() else { return running.await };
    let own = context.span().span_context().clone();
    let outcome = incoming::part_of(own, running).await;
    if is_error(&outcome) {
        span.failed(FAILED);
    }
    outcome
}

impl Traces {
    fn management(&self, name: &'static str) -> Span {
        let Some(collected) = &self.0 else { return Span(None) };
        let parent = incoming::parent();
        let span = Span::begin(collected, format!("tools/call {name}"), SpanKind::Server, &parent);
        span.set("mcp.method.name", "tools/call");
        span.set("gen_ai.operation.name", "execute_tool");
        span.set("gen_ai.tool.name", name);
        span
    }
}

impl Span {
    fn context(&self) -> Option<&Context> {
        self.0.as_ref().map(|open| &open.context)
    }
}
