//! The body of a request on its way out, and how far it has come.

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::watch;

/// How much is handed to the connection at once, in bytes.
const PART: usize = 64 * 1024;

/// A body that tells how much of it is left.
pub(crate) struct Upload {
    rest: Bytes,
    left: watch::Sender<usize>,
}

impl Upload {
    /// The body, and where to see how many bytes of it the connection has not taken yet.
    pub(crate) fn new(body: Bytes) -> (Self, watch::Receiver<usize>) {
        let (left, progress) = watch::channel(body.len());
        (Self { rest: body, left }, progress)
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            return Poll::Ready(None);
        }
        let part = this.rest.split_to(this.rest.len().min(PART));
        this.left.send_replace(this.rest.len());
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.rest.len()).unwrap_or(u64::MAX))
    }
}
