//! Calls of tools: how many ended how, and how long they took.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::{Metrics, SECONDS};
use crate::App;

/// Tools that have series of their own; calls of more are counted together.
const TOOLS_MAX: usize = 2000;

/// What tools beyond that are called.
const OTHERS: &str = "…";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTool {
    method: &'static str,
    server: String,
    tool: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCall {
    method: &'static str,
    server: String,
    tool: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTest {
    outcome: &'static str,
}

type Durations = Family<OfTool, Histogram, fn() -> Histogram>;

pub(super) struct Calls {
    ended: Family<OfCall, Counter>,
    took: Durations,
    tests: Family<OfTest, Counter>,
    suspended: Gauge,
    known: Mutex<Known>,
}

/// What has series.
#[derive(Default)]
struct Known {
    tools: HashSet<OfTool>,
    calls: HashSet<OfCall>,
    /// Where the counter of changes stood when the deleted ones were last forgotten.
    counter: Option<i64>,
}

/// The waits of one call for something outside its sandbox. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Waits {
    under_way: Arc<AtomicUsize>,
    suspended: Gauge,
}

/// One wait, until it is dropped.
#[derive(Debug)]
pub(crate) struct Wait(Waits);

/// How a run is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counted<'a> {
    /// As a client's call of the tool with this public name, of a server with this prefix, by this
    /// method.
    Call { method: &'static str, prefix: &'a str, public: &'a str },
    /// As a test.
    Test,
}

impl Calls {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let ended = Family::default();
        let help = "Calls of tools that ended, by what came of them";
        registry.register("calls", help, ended.clone());
        let took: Durations = Family::new_with_constructor(|| Histogram::new(SECONDS));
        let help = "From the arrival of a call to its end";
        registry.register("call_duration_seconds", help, took.clone());
        let tests = Family::default();
        let help = "Tests of drafts and revisions that ended, by what came of them";
        registry.register("tests", help, tests.clone());
        let suspended = Gauge::default();
        let help = "Calls that wait for something outside the sandbox";
        registry.register("calls_suspended", help, suspended.clone());
        Self { ended, took, tests, suspended, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes out the series of tools that are no longer there under their names.
    pub(super) async fn forget_deleted(&self, app: &App) {
        let Ok(counter) = app.counter().await else { return };
        if self.known().counter == Some(counter) {
            return;
        }
        // While the database does not answer, what is known stays.
        let Ok(live) = store::tools::live_names(app.store()).await else { return };
        let live: HashSet<String> = live.iter().map(store::tools::LiveName::public_name).collect();
        self.keep(counter, &live);
    }

    fn keep(&self, counter: i64, live: &HashSet<String>) {
        let mut known = self.known();
        known.counter = Some(counter);
        let stays = |tool: &str| tool == OTHERS || live.contains(tool);
        known.tools.retain(|labels| stays(&labels.tool) || !self.took.remove(labels));
        known.calls.retain(|labels| stays(&labels.tool) || !self.ended.remove(labels));
    }

    fn call(&self, labels: OfTool, outcome: &'static str, took: Duration) {
        let mut known = self.known();
        let labels = if known.tools.len() < TOOLS_MAX || known.tools.contains(&labels) {
            labels
        } else {
            OfTool { server: OTHERS.to_owned(), tool: OTHERS.to_owned(), ..labels }
        };
        self.took.get_or_create(&labels).observe(took.as_secs_f64());
        let OfTool { method, server, tool } = labels.clone();
        let call = OfCall { method, server, tool, outcome };
        self.ended.get_or_create(&call).inc();
        known.tools.insert(labels);
        known.calls.insert(call);
    }
}

impl Metrics {
    /// Counts a run that ended.
    pub(crate) fn ran(&self, what: Counted<'_>, outcome: &'static str, took: Duration) {
        let calls = &self.inner.calls;
        match what {
            Counted::Call { method, prefix, public } => {
                let (server, tool) = (prefix.to_owned(), public.to_owned());
                let labels = OfTool { method, server, tool };
                calls.call(labels, outcome, took);
            }
            Counted::Test => {
                calls.tests.get_or_create(&OfTest { outcome }).inc();
            }
        }
    }

    /// The waits of a call that begins.
    pub(crate) fn waits(&self) -> Waits {
        Waits { under_way: Arc::default(), suspended: self.inner.calls.suspended.clone() }
    }
}

impl Waits {
    /// Counts the call as suspended until what is returned is dropped.
    pub(crate) fn begin(&self) -> Wait {
        if self.under_way.fetch_add(1, Ordering::Relaxed) == 0 {
            self.suspended.inc();
        }
        Wait(self.clone())
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if self.0.under_way.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.suspended.dec();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(registry: &Registry) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).expect("it is written");
        text
    }

    fn tool(name: &str) -> OfTool {
        let (server, tool) = ("weather".to_owned(), format!("weather__{name}"));
        OfTool { method: "tools/call", server, tool }
    }

    #[test]
    fn series_of_what_is_gone_go_and_the_others_stay() {
        let mut registry = Registry::default();
        let calls = Calls::new(&mut registry);
        calls.call(tool("now"), "ok", Duration::from_millis(2));
        calls.call(tool("now"), "exception", Duration::from_millis(2));
        calls.call(tool("then"), "ok", Duration::from_millis(2));
        calls.keep(1, &HashSet::from(["weather__now".to_owned()]));
        let text = written(&registry);
        assert!(!text.contains("weather__then"), "{text}");
        for outcome in ["ok", "exception"] {
            let line = format!(
                "calls_total{{method=\"tools/call\",server=\"weather\",tool=\"weather__now\",outcome=\"{outcome}\"}} 1\n"
            );
            assert!(text.contains(&line), "{text}");
        }
        assert!(
            text.contains(
                "call_duration_seconds_count{method=\"tools/call\",server=\"weather\",tool=\"weather__now\"} 2"
            )
        );
    }

    #[test]
    fn there_are_never_more_series_than_the_bound_and_no_call_is_left_out() {
        let mut registry = Registry::default();
        let calls = Calls::new(&mut registry);
        for number in 0..TOOLS_MAX + 5 {
            calls.call(tool(&number.to_string()), "ok", Duration::ZERO);
        }
        calls.call(tool("0"), "ok", Duration::ZERO);
        let text = written(&registry);
        let series = text.lines().filter(|line| line.starts_with("calls_total"));
        assert_eq!(series.count(), TOOLS_MAX + 1);
        assert!(text.contains("server=\"…\",tool=\"…\",outcome=\"ok\"} 5\n"), "{text}");
        assert!(text.contains("tool=\"weather__0\",outcome=\"ok\"} 2\n"));
    }

    #[test]
    fn a_call_that_waits_for_two_things_is_suspended_once() {
        let metrics = Metrics::new();
        let suspended = || metrics.inner.calls.suspended.get();
        let waits = metrics.waits();
        let (first, second) = (waits.begin(), waits.begin());
        let other = metrics.waits().begin();
        assert_eq!(suspended(), 2);
        drop((first, other));
        assert_eq!(suspended(), 1);
        drop(second);
        assert_eq!(suspended(), 0);
    }
}
