//! What is not counted but read when somebody asks: the workers, and what waits for people.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

use crate::{App, approvals, requests, tools};

/// A gauge that is read whenever somebody asks.
pub(super) struct Reading<F> {
    name: String,
    help: String,
    read: F,
}

impl<F> Reading<F> {
    pub(super) fn new(name: &str, help: &str, read: F) -> Self {
        Self { name: name.to_owned(), help: format!("{help}."), read }
    }
}

impl<F> fmt::Debug for Reading<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reading").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<F: Fn() -> i64 + Send + Sync + 'static> Collector for Reading<F> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let gauge = ConstGauge::new((self.read)());
        let encoder = encoder.encode_descriptor(&self.name, &self.help, None, MetricType::Gauge)?;
        gauge.encode(encoder)
    }
}

/// What only the database knows; `None` while it does not answer.
pub(super) struct Asked {
    waiting: Option<[(&'static str, u64); 4]>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    kind: &'static str,
}

/// Asks the database.
pub(super) async fn ask(app: &App) -> Asked {
    let waiting = async {
        let one = crate::Page { number: 1, size: 1 };
        let tools = approvals::queue(app, tools::State::PendingReview, one).await?.total;
        let asked = requests::waiting(app, None).await?;
        let requested = [("module", asked.modules), ("host", asked.network)];
        let [modules, hosts] = requested;
        crate::Result::Ok([("tool", tools), modules, hosts, ("package", asked.packages)])
    };
    Asked { waiting: waiting.await.ok() }
}

/// Registers what is so now.
pub(super) fn register(registry: &mut Registry, app: &App, asked: &Asked) {
    let up = Gauge::<i64>::default();
    up.set(i64::from(asked.waiting.is_some()));
    registry.register("database_up", "Whether the database answers", up);
    if let Some(waiting) = asked.waiting {
        let family = Family::<OfKind, Gauge>::default();
        for (kind, count) in waiting {
            family.get_or_create(&OfKind { kind }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        registry.register("waiting_for_approval", "What waits for a person's decision", family);
    }
    let Ok(sandbox) = app.sandbox() else { return };
    let status = sandbox.status();
    for (name, help, count) in [
        ("calls_running", "Runs that have a place in the sandbox", status.running_calls),
        ("calls_waiting", "Runs that wait for a place in the sandbox", status.waiting_calls),
        ("calls_memory_bytes", "Memory that runs hold together", status.memory_bytes),
        ("workers", "Worker processes that there should be", status.workers),
        ("workers_ready", "Worker processes that take calls", status.ready),
    ] {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    }
    let help = "Worker processes that were lost and replaced";
    registry.register("workers_lost", help, ConstCounter::new(status.workers_lost));
    let help = "Worker processes that had taken their calls and were replaced";
    registry.register("workers_renewed", help, ConstCounter::new(status.workers_renewed));
}
