//! Prepared memories: what an instance's memory differs from the image by, recorded once, used often.
//!
//! An instance in which a module was loaded is worth keeping, but no instance is used twice. So its
//! memory is recorded when the instance ends: [`recorded`] is put around its instantiation, and
//! [`Recording::finish`] takes the store. Every instance whose instantiation [`prepared`] is put around
//! begins with that memory.
//!
//! Recording reads a memory only when wasmtime has dropped it, so that it needs no promise that the
//! guest stands still. A [`Delta`] may hold anything at all: it is bytes in the guest's own memory, and
//! the pages that it writes are reset like all that were written. Whether it is *useful* is for the
//! caller to know: memory alone is carried over. Globals (the stack pointer), tables and the store's own
//! handles begin anew, so that nothing may be under way in the guest, and no handle may be open, when
//! its store is recorded.

use std::future::Future;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "engine")]
use wasmtime::Store;

use super::{Image, MemoryError};

tokio::task_local! {
    /// What memories made in this task begin with.
    static PREPARED: Arc<Delta>;
    /// Where memories made in this task leave what they held.
    static RECORDER: Arc<Recorder>;
}

/// The pages by which a memory differs from the image it began as.
pub(crate) struct Delta {
    image: Arc<Image>,
    memory_bytes: usize,
    /// Where the runs of pages belong, in order; their bytes follow each other in `bytes`.
    runs: Vec<Range<usize>>,
    bytes: Vec<u8>,
}

impl Delta {
    pub(super) fn new(image: Arc<Image>, memory_bytes: usize) -> Self {
        Self { image, memory_bytes, runs: Vec::new(), bytes: Vec::new() }
    }

    /// Adds bytes that belong at `offset`, which is not below the end of the ones before.
    pub(super) fn push(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        match self.runs.last_mut() {
            Some(last) if last.end == offset => last.end = end,
            _ => self.runs.push(offset..end),
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether it was made from this image, the very same one.
    pub(super) fn is_of(&self, image: &Arc<Image>) -> bool {
        Arc::ptr_eq(&self.image, image)
    }

    /// Every run of pages with the offset at which it belongs.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut rest = self.bytes.as_slice();
        self.runs.iter().map_while(move |run| {
            let (bytes, after) = rest.split_at_checked(run.len())?;
            rest = after;
            Some((run.start, bytes))
        })
    }

    /// The size of the memory, in bytes. No limiter of wasmtime's is asked for it: an instance whose
    /// memory must stay smaller must not begin with this.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// The bytes that differ, in whole pages: about what this takes in memory, and what every instance
    /// that begins with it costs in addition.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Runs `instantiating`; memories made in it begin with `delta`.
pub(crate) async fn prepared<F: Future>(delta: Arc<Delta>, instantiating: F) -> F::Output {
    PREPARED.scope(delta, instantiating).await
}

/// Runs `instantiating`, and lets the memory that is made in it be recorded at its end.
pub(crate) async fn recorded<F: Future>(instantiating: F) -> (F::Output, Recording) {
    let recorder = Arc::new(Recorder::default());
    let output = RECORDER.scope(Arc::clone(&recorder), instantiating).await;
    (output, Recording { recorder })
}

/// The delta that a memory made now must begin with.
pub(super) fn demanded() -> Option<Arc<Delta>> {
    PREPARED.try_with(Arc::clone).ok()
}

/// Where a memory made now must leave what it held.
pub(super) fn recorder() -> Option<Arc<Recorder>> {
    RECORDER.try_with(Arc::clone).ok()
}

/// A memory that can be recorded when its store ends.
pub(crate) struct Recording {
    recorder: Arc<Recorder>,
}

impl Recording {
    #[cfg(feature = "engine")]
    /// Ends `store`, in which the memory was made, and returns what the memory held.
    pub(crate) fn finish<T>(self, store: Store<T>) -> Result<Delta, MemoryError> {
        self.recorder.wanted.store(true, Ordering::Release);
        drop(store);
        let mut recorded = self.recorder.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.take().unwrap_or(Err(MemoryError::NotRecorded))
    }
}

/// Where a memory leaves what it held, if that is wanted by then.
#[derive(Default)]
pub(super) struct Recorder {
    wanted: AtomicBool,
    recorded: Mutex<Option<Result<Delta, MemoryError>>>,
}

impl Recorder {
    pub(super) fn record(&self, content: impl FnOnce() -> Result<Delta, MemoryError>) {
        if self.wanted.load(Ordering::Acquire) {
            let recorded = content();
            *self.recorded.lock().unwrap_or_else(PoisonError::into_inner) = Some(recorded);
        }
    }
}
