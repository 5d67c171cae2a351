//! What comes in at the doors: connections, requests, streams.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Metrics;

/// A door of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The pages and the JSON API.
    Admin,
    /// `/mcp`.
    Mcp,
    /// The listener for metrics alone.
    Metrics,
}

/// A kind of stream that a client holds open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// `subscriptions/listen`.
    Listen,
    /// A session's own stream, opened by GET.
    Session,
    /// The answer to a request, while it goes on.
    Answer,
}

/// Something that is open until this is dropped.
#[derive(Debug)]
pub struct Open(Gauge);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDoor {
    door: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAnswer {
    door: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStream {
    kind: &'static str,
}

pub(super) struct Doors {
    answers: Family<OfAnswer, Counter>,
    requests: Family<OfDoor, Gauge>,
    connections: Family<OfDoor, Gauge>,
    streams: Family<OfStream, Gauge>,
}

impl Doors {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let answers = Family::default();
        registry.register(
            "http_requests",
            "Requests answered, by door and status",
            answers.clone(),
        );
        let requests = Family::default();
        registry.register("http_requests_open", "Requests under way", requests.clone());
        let connections = Family::default();
        registry.register("http_connections", "Connections that are open", connections.clone());
        let streams = Family::default();
        registry.register("streams", "Streams of events that clients hold open", streams.clone());
        Self { answers, requests, connections, streams }
    }
}

impl Metrics {
    /// Counts a connection until what is returned is dropped.
    pub fn connection(&self, door: Door) -> Open {
        Open::new(&self.inner.doors.connections, &OfDoor { door: door.name() })
    }

    /// Counts a request as under way until what is returned is dropped.
    pub fn request(&self, door: Door) -> Open {
        Open::new(&self.inner.doors.requests, &OfDoor { door: door.name() })
    }

    /// Counts a stream until what is returned is dropped.
    pub fn stream(&self, kind: Stream) -> Open {
        Open::new(&self.inner.doors.streams, &OfStream { kind: kind.name() })
    }

    /// Counts an answer.
    pub fn answered(&self, door: Door, status: u16) {
        let status = class(status);
        self.inner.doors.answers.get_or_create(&OfAnswer { door: door.name(), status }).inc();
    }
}

impl Open {
    fn new<S>(family: &Family<S, Gauge>, labels: &S) -> Self
    where
        S: Clone + std::hash::Hash + Eq,
    {
        let gauge = family.get_or_create_owned(labels);
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Door {
    fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Mcp => "mcp",
            Self::Metrics => "metrics",
        }
    }
}

impl Stream {
    fn name(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Session => "session",
            Self::Answer => "answer",
        }
    }
}

/// The class of a status.
pub(super) fn class(status: u16) -> &'static str {
    match status {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500..600 => "5xx",
        _ => "other",
    }
}
