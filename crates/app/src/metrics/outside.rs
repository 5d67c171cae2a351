//! What tools ask of other machines.

use outbound::Record;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::doors::class;
use super::{Metrics, SECONDS};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRequest {
    outcome: String,
}

pub(super) struct Outside {
    requests: Family<OfRequest, Counter>,
    took: Histogram,
}

impl Outside {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let requests = Family::default();
        let help = "HTTP requests of tools, by class of the status or by what went wrong";
        registry.register("outbound_requests", help, requests.clone());
        let took = Histogram::new(SECONDS);
        let help = "How long HTTP requests of tools took, redirects included";
        registry.register("outbound_request_duration_seconds", help, took.clone());
        Self { requests, took }
    }
}

impl Metrics {
    /// Counts a request of a tool that is over.
    pub(crate) fn outbound(&self, record: &Record) {
        let Outside { requests, took } = &self.inner.outside;
        let outcome = match (&record.failure, record.status) {
            (Some(failure), _) => format!("{:?}", failure.kind),
            (None, status) => class(status.unwrap_or_default()).to_owned(),
        };
        requests.get_or_create(&OfRequest { outcome }).inc();
        took.observe(record.duration.as_secs_f64());
    }
}
