//! What hostile programs, and the calls beside them, may ask of the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sandbox::{Host, Operation};
use tokio::sync::watch;

/// Answers a few operations, and knows how many are still under way.
#[derive(Default)]
pub(super) struct Counting {
    open: Arc<AtomicUsize>,
}

struct Opened(Arc<AtomicUsize>);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Counting {
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

impl Host for Counting {
    fn start(&self, operation: &str, payload: Vec<u8>) -> Operation {
        self.open.fetch_add(1, Ordering::SeqCst);
        let opened = Opened(Arc::clone(&self.open));
        let operation = operation.to_owned();
        Box::pin(async move {
            let _opened = opened;
            match operation.as_str() {
                "echo" => Ok(payload),
                "slow" => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Ok(payload)
                }
                "megabytes" => Ok(vec![b'x'; payload.len() << 20]),
                "never" => std::future::pending().await,
                _ => Err(format!("there is no operation {operation:?}")),
            }
        })
    }
}

/// Holds calls until it is opened.
pub(super) struct Gate {
    entered: AtomicUsize,
    opened: watch::Sender<bool>,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self { entered: AtomicUsize::new(0), opened: watch::Sender::new(false) }
    }

    pub(super) fn entered(&self) -> usize {
        self.entered.load(Ordering::SeqCst)
    }

    pub(super) fn open(&self) {
        self.opened.send_replace(true);
    }
}

impl Host for Gate {
    fn start(&self, _operation: &str, _payload: Vec<u8>) -> Operation {
        self.entered.fetch_add(1, Ordering::SeqCst);
        let mut opened = self.opened.subscribe();
        Box::pin(async move {
            opened.wait_for(|open| *open).await.map_err(|gone| gone.to_string())?;
            Ok(b"open".to_vec())
        })
    }
}
