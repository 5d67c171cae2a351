//! Revisions that were found changed behind our back, which neither run nor are listed.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use store::revisions::Revision;
use uuid::Uuid;

use crate::digest;

/// The revisions that this process found so since it started.
#[derive(Default)]
pub(crate) struct Altered {
    found: Mutex<BTreeSet<Uuid>>,
}

impl Altered {
    /// Whether a revision still is what its digest was made of. One that is not is remembered.
    pub(crate) fn is_intact(&self, revision: &Revision) -> bool {
        let intact = digest::is_intact(revision);
        if !intact {
            self.found().insert(revision.id);
        }
        intact
    }

    /// Whether this revision was found so.
    pub(crate) fn has(&self, revision: Uuid) -> bool {
        self.found().contains(&revision)
    }

    /// How many were found; it never falls.
    pub(crate) fn count(&self) -> usize {
        self.found().len()
    }

    fn found(&self) -> MutexGuard<'_, BTreeSet<Uuid>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
