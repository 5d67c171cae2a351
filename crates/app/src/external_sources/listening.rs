//! What sources tell beside their answers: heard for as long as their connections are there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use outbound::mcp::{self, Listener, Source};
use serde_json::Value;
use tokio::sync::Notify;
use uuid::Uuid;

use super::breaker::Breaker;

/// The first and the longest pause before a stream of notices that broke off is taken up again.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Which sources said that their tools changed.
#[derive(Default)]
pub(super) struct Changed {
    sources: Mutex<Vec<Uuid>>,
    pub(super) told: Notify,
}

impl Changed {
    fn add(&self, id: Uuid) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if !sources.contains(&id) {
            sources.push(id);
        }
        drop(sources);
        self.told.notify_one();
    }

    /// Those that said so since this was asked last.
    pub(super) fn take(&self) -> Vec<Uuid> {
        std::mem::take(&mut *self.sources.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Hears that the tools of a source have changed.
pub(super) struct Observer {
    pub(super) id: Uuid,
    pub(super) changed: Arc<Changed>,
}

impl Listener for Observer {
    fn notified(&self, method: &str, _: &Value) {
        if method == "notifications/tools/list_changed" {
            self.changed.add(self.id);
        }
    }
}

/// Hears notices for as long as there is a stream of them; not while the source is left alone.
pub(super) async fn listen(source: Arc<Source>, breaker: Arc<Breaker>) {
    let mut pause = PAUSE.0;
    loop {
        breaker.closed().await;
        let began = Instant::now();
        let ended = tokio::select! {
            ended = source.listen() => ended,
            () = breaker.opened() => continue,
        };
        match ended {
            // It has no such stream.
            Ok(()) if began.elapsed() < PAUSE.0 => return,
            Err(mcp::Error::Retired { .. }) => return,
            Ok(()) => {}
            Err(error) => tracing::debug!(%error, "a source's stream of notices ended"),
        }
        pause = if began.elapsed() > PAUSE.1 { PAUSE.0 } else { (pause * 2).min(PAUSE.1) };
        tokio::time::sleep(pause).await;
    }
}
