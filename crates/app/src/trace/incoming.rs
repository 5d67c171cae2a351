//! Which trace a request says it belongs to; from whoever asks, so read with care.

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// The longest `traceparent` that is read: later versions may be longer than this one's.
const PARENT_MAX: usize = 128;

/// The longest `tracestate` that is kept; a longer one is left out whole.
const STATE_MAX: usize = 512;

/// Which trace a request belongs to, if it says so.
///
/// `baggage` is not read: nothing here would use it, and it would go out to whoever is asked.
#[derive(Debug, Clone, Default)]
pub struct Incoming(Option<SpanContext>);

tokio::task_local! {
    static CURRENT: SpanContext;
}

struct Fields<'a> {
    parent: &'a str,
    state: Option<&'a str>,
}

impl Extractor for Fields<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(self.parent),
            "tracestate" => self.state,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

impl Incoming {
    /// Reads what `meta` (the request's `_meta`) or else `header` (its HTTP headers) says under
    /// `traceparent` and `tracestate`. What is malformed is as if it were absent.
    pub fn read<'a>(
        meta: impl Fn(&'static str) -> Option<&'a str>,
        header: impl Fn(&'static str) -> Option<&'a str>,
    ) -> Self {
        let of_meta = meta("traceparent").and_then(|parent| parse(parent, meta("tracestate")));
        let of_header =
            || header("traceparent").and_then(|parent| parse(parent, header("tracestate")));
        Self(of_meta.or_else(of_header))
    }
}

/// Carries out `future` as a part of that trace: the calls that it makes belong to it. A task that it
/// starts does not, but by a call of its own.
pub async fn within<F: Future>(incoming: Incoming, future: F) -> F::Output {
    match incoming.0 {
        Some(context) => part_of(context, future).await,
        None => future.await,
    }
}

/// Carries out `future` as a part of what this span tells of.
pub(super) async fn part_of<F: Future>(span: SpanContext, future: F) -> F::Output {
    CURRENT.scope(span, future).await
}

/// What spans of this task are children of.
pub(super) fn parent() -> Context {
    let current = CURRENT.try_with(Clone::clone);
    current.map_or_else(|_none| Context::new(), |it| Context::new().with_remote_span_context(it))
}

fn parse(parent: &str, state: Option<&str>) -> Option<SpanContext> {
    let parent = parent.trim();
    if !is_well_formed(parent) {
        return None;
    }
    let state = state.filter(|state| state.len() <= STATE_MAX);
    let context = TraceContextPropagator::new()
        .extract_with_context(&Context::new(), &Fields { parent, state });
    let span = context.span();
    Some(span.span_context().clone()).filter(SpanContext::is_valid)
}

/// `00-{32 digits}-{16 digits}-{2 digits}`; in other versions than the first more may follow.
fn is_well_formed(parent: &str) -> bool {
    let bytes = parent.as_bytes();
    let Some((own, rest)) = bytes.split_at_checked(55) else { return false };
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let shape = own.iter().enumerate().all(|(at, byte)| match at {
        2 | 35 | 52 => *byte == b'-',
        _ => digit(*byte),
    });
    let first = own.starts_with(b"00");
    let ends = if first { rest.is_empty() } else { rest.first().is_none_or(|byte| *byte == b'-') };
    shape && ends && parent.len() <= PARENT_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const OTHER: &str = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    fn trace_of(meta: Option<&str>, header: Option<&str>) -> Option<String> {
        let of = |value| move |name| if name == "traceparent" { value } else { None };
        Incoming::read(of(meta), of(header)).0.map(|context| context.trace_id().to_string())
    }

    #[test]
    fn what_the_message_says_goes_before_what_the_headers_say() {
        let (first, second) = (PARENT.get(3..35).unwrap(), OTHER.get(3..35).unwrap());
        assert_eq!(trace_of(Some(PARENT), Some(OTHER)).as_deref(), Some(first));
        assert_eq!(trace_of(None, Some(OTHER)).as_deref(), Some(second));
        assert_eq!(trace_of(Some("nonsense"), Some(OTHER)).as_deref(), Some(second));
        assert_eq!(trace_of(None, None), None);
        let later = format!("cc{}-what-comes-then", PARENT.get(2..).unwrap());
        assert_eq!(trace_of(Some(&later), None).as_deref(), Some(first));
    }

    #[test]
    fn what_is_malformed_or_without_measure_is_as_if_absent() {
        let long = format!("cc{}-{}", PARENT.get(2..).unwrap(), "x".repeat(200));
        for wrong in [
            "",
            "00",
            PARENT.get(..54).unwrap(),
            &format!("{PARENT}-00"),
            &PARENT.to_uppercase(),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "+0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-äaf7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
            &long,
        ] {
            assert_eq!(trace_of(Some(wrong), None), None, "{wrong}");
        }
    }

    #[test]
    fn the_state_is_kept_within_its_bounds() {
        let with = |state: &str| parse(PARENT, Some(state)).map(|it| it.trace_state().header());
        assert_eq!(with("a=1,b=2").as_deref(), Some("a=1,b=2"));
        assert_eq!(with(&format!("a={}", "x".repeat(600))).as_deref(), Some(""));
        assert_eq!(with("\u{0}").as_deref(), Some(""));
    }

    #[tokio::test]
    async fn only_what_is_carried_out_within_a_trace_belongs_to_it() {
        let of = |name| if name == "traceparent" { Some(PARENT) } else { None };
        let trace = || parent().span().span_context().trace_id().to_string();
        let incoming = Incoming::read(of, |_| None);
        let seen = within(incoming, async { trace() }).await;
        assert_eq!(Some(seen.as_str()), PARENT.get(3..35));
        assert_eq!(within(Incoming::default(), async { trace() }).await, "0".repeat(32));
    }
}
