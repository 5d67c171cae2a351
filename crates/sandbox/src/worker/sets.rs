//! The sets of packages that this worker keeps, by the number that the server gave each.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::handover;
use crate::memory::{Image, Memories};
use crate::protocol::Form;

/// A set of packages, as instances come by it.
pub(super) enum Kept {
    /// Their memory begins with it.
    Snapshot(Memories),
    /// Each unpacks it.
    Archive(Image),
}

/// A set and the number that stands for it.
#[derive(Clone)]
pub(super) struct Set {
    pub(super) number: u64,
    pub(super) kept: Arc<Kept>,
}

/// All of them.
pub(super) struct Sets {
    socket: OwnedFd,
    sets: Mutex<HashMap<u64, Set>>,
}

impl Sets {
    /// The files come through `socket`.
    pub(super) fn new(socket: OwnedFd) -> Self {
        // Read from the system once, which is not possible any more when the first set comes.
        rustix::param::page_size();
        Self { socket, sets: Mutex::default() }
    }

    fn sets(&self) -> MutexGuard<'_, HashMap<u64, Set>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next file on the socket, and keeps it as that set. `memories` are the engine's own.
    pub(super) fn keep(
        &self,
        number: u64,
        form: Form,
        memories: Option<&Memories>,
    ) -> io::Result<()> {
        let image = Image::from_descriptor(handover::receive(&self.socket)?);
        let image = image.map_err(io::Error::other)?;
        let kept = match (form, memories) {
            (Form::Archive, _) => Kept::Archive(image),
            (Form::Snapshot, Some(memories)) => {
                Kept::Snapshot(memories.beside(Arc::new(image)).map_err(io::Error::other)?)
            }
            (Form::Snapshot, None) => return Err(io::ErrorKind::Unsupported.into()),
        };
        self.sets().insert(number, Set { number, kept: Arc::new(kept) });
        Ok(())
    }

    pub(super) fn forget(&self, number: u64) {
        let forgotten = self.sets().remove(&number);
        drop(forgotten);
    }

    pub(super) fn get(&self, number: u64) -> Option<Set> {
        self.sets().get(&number).cloned()
    }

    /// The bytes of their own that idle memories of sets hold.
    pub(super) fn idle_bytes(&self) -> u64 {
        let sets = self.sets();
        let idle = sets.values().map(|set| match &*set.kept {
            Kept::Snapshot(memories) => memories.statistics().idle_bytes,
            Kept::Archive(_) => 0,
        });
        idle.sum()
    }
}
