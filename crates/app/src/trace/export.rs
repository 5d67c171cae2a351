//! Sending spans to the operator's collector, the way all requests go out.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use outbound::{Bounds, Client, Configured};
use tokio::runtime::Handle;

use super::unusable;
use crate::Result;

/// What an answer of the collector may have, and how long it may take.
const BOUNDS: Bounds = Bounds { bytes: 1 << 20, time: Duration::from_secs(10) };

/// The collector, reached from threads that are not the runtime's.
struct Collector {
    service: Configured,
    runtime: Handle,
    /// Whether the last request failed, so that it is told once.
    is_failing: AtomicBool,
}

pub(super) fn exporter(client: &Client, url: &str) -> Result<SpanExporter> {
    let service = Configured::new(client, url).map_err(unusable)?;
    let runtime = Handle::try_current().map_err(unusable)?;
    let collector = Collector { service, runtime, is_failing: AtomicBool::new(false) };
    SpanExporter::builder()
        .with_http()
        .with_http_client(collector)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url)
        .build()
        .map_err(unusable)
}

impl Collector {
    fn note(&self, outcome: &std::result::Result<u16, String>) {
        let failure = match outcome {
            Ok(200..300) => None,
            Ok(status) => Some(format!("it answered {status}")),
            Err(error) => Some(error.clone()),
        };
        let was_failing = self.is_failing.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(reason) if !was_failing => {
                tracing::warn!(%reason, "the collector takes no traces; spans are lost meanwhile");
            }
            None if was_failing => tracing::info!("the collector takes traces again"),
            _ => {}
        }
    }
}

impl HttpClient for Collector {
    fn send_bytes<'life, 'sent>(
        &'life self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = std::result::Result<Response<Bytes>, HttpError>> + Send + 'sent>>
    where
        'life: 'sent,
        Self: 'sent,
    {
        Box::pin(async move {
            let service = self.service.clone();
            let sending = async move { service.pass_on(request, BOUNDS).await };
            let answer = match self.runtime.spawn(sending).await? {
                Ok(answer) => answer,
                Err(error) => {
                    self.note(&Err(error.to_string()));
                    return Err(error.into());
                }
            };
            self.note(&Ok(answer.status()));
            let mut response = Response::builder().status(answer.status());
            if let Some(seconds) = answer.header("retry-after") {
                response = response.header("retry-after", seconds);
            }
            Ok(response.body(answer.into_body().into())?)
        })
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Collector")
            .field("url", &self.service.url())
            .finish_non_exhaustive()
    }
}
