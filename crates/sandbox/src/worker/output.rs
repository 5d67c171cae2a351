//! Standard output and error of one call: kept up to the limit and passed on while the call runs.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::outbox::Outbox;
use crate::protocol::FromWorker;

/// What a guest may hand over in one write.
const WRITE_MAX: usize = 64 << 10;

/// What a call has written and the server has not yet been sent.
pub(super) struct Output {
    call: u64,
    state: Mutex<State>,
}

struct State {
    waiting: Vec<u8>,
    /// How much more is kept.
    room: usize,
    truncated: bool,
}

impl Output {
    pub(super) fn new(call: u64, most: usize) -> Arc<Self> {
        let state = Mutex::new(State { waiting: Vec::new(), room: most, truncated: false });
        Arc::new(Self { call, state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn truncated(&self) -> bool {
        self.state().truncated
    }

    /// All that waits, as a message.
    pub(super) fn take(&self) -> FromWorker {
        FromWorker::Output { call: self.call, bytes: std::mem::take(&mut self.state().waiting) }
    }

    /// Keeps what there is room for; tells whether the outbox has to be told.
    fn keep(&self, bytes: &[u8]) -> bool {
        let mut state = self.state();
        let was_empty = state.waiting.is_empty();
        let (kept, dropped) = bytes.split_at(bytes.len().min(state.room));
        state.waiting.extend_from_slice(kept);
        state.room -= kept.len();
        state.truncated |= !dropped.is_empty();
        was_empty && !kept.is_empty()
    }
}

/// The guest's end.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) output: Arc<Output>,
    pub(super) outbox: Outbox,
}

impl Writer {
    fn put(&self, bytes: &[u8]) {
        if self.output.keep(bytes) {
            self.outbox.send_output(Arc::clone(&self.output));
        }
    }
}

impl IsTerminal for Writer {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Writer {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Writer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.put(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_MAX)
    }
}

impl Pollable for Writer {
    fn ready<'this, 'future>(&'this mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'future>>
    where
        'this: 'future,
        Self: 'future,
    {
        Box::pin(std::future::ready(()))
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.put(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::Output;
    use crate::protocol::FromWorker;

    #[test]
    fn output_is_kept_up_to_the_limit_and_announced_once() {
        let output = Output::new(1, 5);
        assert!(output.keep(b"abc"));
        assert!(!output.keep(b"d"));
        assert!(!output.truncated());
        assert!(!output.keep(b"ef"));
        assert!(output.truncated());
        assert!(matches!(output.take(), FromWorker::Output { bytes, .. } if bytes == b"abcde"));
        assert!(!output.keep(b"g"));
    }
}
