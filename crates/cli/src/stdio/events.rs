//! Streams of events: their messages one by one, and where a stream could be taken up again.

use std::time::Duration;

use app::remote::Incoming;
use futures::StreamExt as _;
use sse_stream::SseStream;

/// The longest wait that a server may ask for before a stream is opened again.
const RETRY_MAX: Duration = Duration::from_mins(1);

/// An open stream.
pub(super) struct Events {
    stream: SseStream<Incoming>,
    /// The id of the last event that had one.
    pub(super) last_id: Option<String>,
    /// How long to wait before it is opened again, where the server said so.
    pub(super) retry: Option<Duration>,
}

impl Events {
    pub(super) fn new(body: Incoming) -> Self {
        Self { stream: SseStream::new(body), last_id: None, retry: None }
    }

    /// The next message as one line; nothing once the stream has ended or broken.
    pub(super) async fn next(&mut self) -> Option<String> {
        loop {
            let event = match self.stream.next().await? {
                Ok(event) => event,
                Err(error) => {
                    tracing::debug!(%error, "a stream broke");
                    return None;
                }
            };
            if let Some(milliseconds) = event.retry {
                self.retry = Some(Duration::from_millis(milliseconds).min(RETRY_MAX));
            }
            if event.id.is_some() {
                self.last_id = event.id;
            }
            if let Some(data) = event.data.filter(|data| !data.trim().is_empty()) {
                return Some(one_line(&data));
            }
        }
    }
}

/// The same JSON without line breaks: within texts it has none.
pub(super) fn one_line(json: &str) -> String {
    json.trim().replace(['\r', '\n'], " ")
}
