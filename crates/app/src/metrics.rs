//! What the program counts and measures, in the form that Prometheus reads.

mod calls;
mod doors;
mod outside;
mod read;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(crate) use calls::{Counted, Wait, Waits};
pub use doors::{Door, Open, Stream};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use subtle::ConstantTimeEq as _;

use self::calls::Calls;
use self::doors::Doors;
use self::outside::Outside;
use self::read::Reading;
use crate::App;

/// What [`text`] is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of what takes from a tenth of a millisecond to minutes, in seconds.
const SECONDS: [f64; 14] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0];

/// Upper bounds of what the database takes, in seconds.
const DATABASE_SECONDS: [f64; 10] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.01, 0.05, 0.25, 1.0, 10.0];

/// The counters of one process. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Mutex<Registry>,
    calls: Calls,
    doors: Doors,
    outside: Outside,
    statements: Histogram,
    failed_statements: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("mcpbox");
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of the program", version);
        let statements = Histogram::new(DATABASE_SECONDS);
        let help = "How long statements in the database took";
        registry.register("database_statement_duration_seconds", help, statements.clone());
        let failed_statements = Counter::default();
        let help = "Statements that the database refused or did not answer";
        registry.register("database_statement_failures", help, failed_statements.clone());
        let (calls, doors) = (Calls::new(&mut registry), Doors::new(&mut registry));
        let outside = Outside::new(&mut registry);
        let registry = Mutex::new(registry);
        let inner = Inner { registry, calls, doors, outside, statements, failed_statements };
        Self { inner: Arc::new(inner) }
    }

    /// Shows what `read` says whenever somebody asks, as the gauge `mcpbox_{name}`.
    pub fn watch(&self, name: &str, help: &str, read: impl Fn() -> i64 + Send + Sync + 'static) {
        let mut registry = self.inner.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(Reading::new(name, help, read)));
    }

    /// Notes what a statement in the database took.
    pub(crate) fn statement(&self, took: Duration, failed: bool) {
        self.inner.statements.observe(took.as_secs_f64());
        if failed {
            self.inner.failed_statements.inc();
        }
    }

    fn written(&self, app: &App, asked: &read::Asked) -> Result<String, fmt::Error> {
        let mut text = String::new();
        let mut now = Registry::with_prefix("mcpbox");
        read::register(&mut now, app, asked);
        encode(&mut text, &now)?;
        text.truncate(text.trim_end_matches("# EOF\n").len());
        let registry = self.inner.registry.lock().unwrap_or_else(PoisonError::into_inner);
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// Whether `sent` is the token, found out in a time that tells nothing of it.
pub fn is_token(token: &str, sent: &str) -> bool {
    token.as_bytes().ct_eq(sent.as_bytes()).into()
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Everything that is counted and measured in this process, as Prometheus reads it. What only the
/// database knows is left out while it does not answer.
pub async fn text(app: &App) -> String {
    let metrics = app.metrics();
    metrics.inner.calls.forget_deleted(app).await;
    let asked = read::ask(app).await;
    metrics.written(app, &asked).unwrap_or_else(|fmt::Error| {
        tracing::error!("the metrics could not be written");
        String::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_of_it_is_one_text_with_one_end_and_shows_what_was_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = crate::Location::Sqlite(folder.path().join("mcpbox.db"));
        let app = App::open_without_sandbox(&location).await.expect("the app opens");
        app.metrics().watch("sessions", "Sessions", || 7);
        app.metrics().answered(Door::Mcp, 204);
        let open = app.metrics().stream(Stream::Listen);
        let written = text(&app).await;
        assert_eq!(written.matches("# EOF\n").count(), 1, "{written}");
        assert!(written.ends_with("# EOF\n"), "{written}");
        for line in [
            "mcpbox_sessions 7\n",
            "mcpbox_http_requests_total{door=\"mcp\",status=\"2xx\"} 1\n",
            "mcpbox_streams{kind=\"listen\"} 1\n",
            "mcpbox_waiting_for_approval{kind=\"tool\"} 0\n",
        ] {
            assert!(written.contains(line), "{line}: {written}");
        }
        drop(open);
        assert!(text(&app).await.contains("mcpbox_streams{kind=\"listen\"} 0\n"));
    }
}
