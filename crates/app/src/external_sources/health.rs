//! Whether a source answers now.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::connections::connect;
use super::find;
use super::shown::without_credentials;
use crate::{App, Result};

/// How long a source may take.
const PING: Duration = Duration::from_secs(10);

/// How a source answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The source.
    pub source_id: Uuid,
    /// Its name.
    pub source_name: String,
    /// How long it took, if it answered.
    pub latency: Option<Duration>,
    /// Why not, if it did not.
    pub error: Option<String>,
}

/// Asks a source for a sign of life.
pub async fn health(app: &App, id: Uuid) -> Result<Health> {
    let source = find(app.store(), id).await?;
    let began = Instant::now();
    let asked = async {
        let connection = connect(app, &source).await?;
        connection.check(&source)?;
        let answered = connection.source.ping(PING).await;
        connection.note(app, &answered).await;
        let words =
            |error: &dyn std::error::Error| without_credentials(app, source.id, error.to_string());
        Ok::<_, crate::Error>(answered.map_err(|error| words(&error)))
    };
    let outcome = asked.await.unwrap_or_else(|error| Err(error.to_string()));
    Ok(Health {
        source_id: source.id,
        source_name: source.name,
        latency: outcome.is_ok().then(|| began.elapsed()),
        error: outcome.err(),
    })
}
