//! What one caller has to itself: connections that nobody else uses, and a share of what there is.

use crate::connector::Connector;
use crate::error::{Kind, RequestError};
use crate::limits;
use crate::upload::Upload;
use http::Uri;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::util::BoxCloneSyncService;

type Connecting =
    BoxCloneSyncService<Uri, hyper_util::rt::TokioIo<crate::stream::Stream>, RequestError>;

/// How long an HTTP/2 connection with requests under way may be silent before it is asked for a
/// sign of life, and how long that may take.
const SILENCE: Duration = Duration::from_secs(20);
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// How many bytes one permit of the share of bytes stands for.
const UNIT: usize = 1024;

/// One caller's connections and shares.
pub(crate) struct Lane {
    pub(crate) client: legacy::Client<Connecting, Upload>,
    pub(crate) in_flight: Semaphore,
    bytes: Arc<Semaphore>,
}

impl Lane {
    pub(crate) fn new(connector: Connector) -> Self {
        let connect = tower::service_fn(move |uri| connector.clone().connect(uri));
        let header_bytes = u32::try_from(limits::HEADER_BYTES).unwrap_or(u32::MAX);
        let client = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(limits::IDLE)
            .pool_max_idle_per_host(limits::IDLE_PER_HOST)
            .http1_max_buf_size(limits::HEADER_BYTES)
            .http1_max_headers(limits::HEADER_FIELDS)
            .http2_max_header_list_size(header_bytes)
            .http2_keep_alive_interval(SILENCE)
            .http2_keep_alive_timeout(SIGN_OF_LIFE)
            .build(BoxCloneSyncService::new(connect));
        Self {
            client,
            in_flight: Semaphore::new(limits::IN_FLIGHT_PER_CALLER),
            bytes: Arc::new(Semaphore::new(limits::BYTES_PER_CALLER / UNIT)),
        }
    }

    /// Nothing yet of this caller's share of bytes.
    pub(crate) fn reservation(&self) -> Reservation {
        Reservation { share: Arc::clone(&self.bytes), held: Vec::new(), units: 0 }
    }
}

/// A part of a caller's share of bytes, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    share: Arc<Semaphore>,
    held: Vec<OwnedSemaphorePermit>,
    units: usize,
}

impl Reservation {
    /// Makes it hold `bytes` in all.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), RequestError> {
        let missing = bytes.div_ceil(UNIT).saturating_sub(self.units);
        if missing == 0 {
            return Ok(());
        }
        let permits = u32::try_from(missing).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.share).try_acquire_many_owned(permits).map_err(|reason| {
            let message = format!(
                "the requests of this server that are under way hold more than {} bytes: make \
                 fewer at once",
                limits::BYTES_PER_CALLER
            );
            RequestError::new(Kind::ResponseTooLarge, message).caused_by(reason)
        })?;
        self.units += missing;
        self.held.push(permit);
        Ok(())
    }
}
