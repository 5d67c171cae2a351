//! Another mcpbox's door, reached as the operator says.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
pub use outbound::Incoming;
use outbound::{Client, Configured, Kind, RequestError, Settings};

use crate::{Error, Result};

/// How long the head of an answer may take: a call may wait for a person meanwhile.
const PATIENCE: Duration = Duration::from_hours(1);

/// A door elsewhere.
#[derive(Clone)]
pub struct Remote {
    service: Configured,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There was no connection, so nothing was sent.
    #[error("{0}")]
    Unreachable(#[source] RequestError),
    /// It is not known what became of the request.
    #[error("{0}")]
    Broken(#[source] RequestError),
}

impl Remote {
    /// The door at `url`, which is used as given.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no address of a service.
    pub fn new(settings: &Settings, url: &str) -> Result<Self> {
        let client =
            Client::new(settings).map_err(|source| Error::unavailable("the way out", source))?;
        let service = Configured::new(&client, url)
            .map_err(|error| Error::invalid("url", error.to_string()))?;
        Ok(Self { service })
    }

    /// Sends a request; the answer's body comes for as long as it is read.
    pub async fn ask(
        &self,
        request: Request<Bytes>,
    ) -> std::result::Result<Response<Incoming>, AskError> {
        self.service.open(request, PATIENCE).await.map_err(|error| match error.kind() {
            Kind::ConnectError | Kind::ConnectTimeout | Kind::ProxyError => {
                AskError::Unreachable(error)
            }
            _ => AskError::Broken(error),
        })
    }
}
