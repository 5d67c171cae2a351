//! Finds out which pages of a used memory have to be made new.

use std::ops::Range;

#[cfg(target_os = "linux")]
use super::page_map::PageMap;
#[cfg(target_os = "linux")]
use super::userfault::Userfault;
use super::{MemoryError, Recipe};

/// The means of one recipe, with their descriptors open.
pub(super) enum Tracking {
    #[cfg(target_os = "linux")]
    Tracked(Userfault, PageMap),
    #[cfg(target_os = "linux")]
    Scanned(PageMap),
    #[cfg(target_os = "linux")]
    Listed(PageMap),
    /// Nothing is found out, and no page is used twice.
    Dropped,
}

impl Tracking {
    /// Opens what `recipe` needs. Nothing is opened later.
    pub(super) fn open(recipe: Recipe) -> Result<Self, MemoryError> {
        match recipe {
            #[cfg(target_os = "linux")]
            Recipe::Tracked => Ok(Self::Tracked(Userfault::open()?, PageMap::open()?)),
            #[cfg(target_os = "linux")]
            Recipe::Scanned => Ok(Self::Scanned(PageMap::open()?)),
            #[cfg(target_os = "linux")]
            Recipe::Pagemap => Ok(Self::Listed(PageMap::open()?)),
            Recipe::Dropped => Ok(Self::Dropped),
            other => Err(MemoryError::Absent(other.as_str())),
        }
    }

    pub(super) fn recipe(&self) -> Recipe {
        match self {
            #[cfg(target_os = "linux")]
            Self::Tracked(..) => Recipe::Tracked,
            #[cfg(target_os = "linux")]
            Self::Scanned(_) => Recipe::Scanned,
            #[cfg(target_os = "linux")]
            Self::Listed(_) => Recipe::Pagemap,
            Self::Dropped => Recipe::Dropped,
        }
    }

    /// Whether pages are copied back; otherwise the memory is mapped anew.
    pub(super) fn reuses_pages(&self) -> bool {
        !matches!(self, Self::Dropped)
    }

    /// Whether what was written can be forgotten while the pages stay.
    pub(super) fn forgets_in_place(&self) -> bool {
        self.recipe() == Recipe::Tracked
    }

    /// Begins to watch a fresh private mapping of the image.
    #[cfg_attr(not(target_os = "linux"), expect(unused_variables, clippy::unused_self))]
    pub(super) fn watch(&self, addresses: &Range<usize>) -> Result<(), MemoryError> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Tracked(faults, _) => faults.watch(addresses),
            _ => Ok(()),
        }
    }

    /// Forgets what was written to a watched range, all of which holds the image again.
    #[cfg_attr(not(target_os = "linux"), expect(unused_variables, clippy::unused_self))]
    pub(super) fn watch_again(&self, addresses: &Range<usize>) -> Result<(), MemoryError> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Tracked(faults, _) => faults.protect(addresses),
            _ => Ok(()),
        }
    }

    /// The pages of a private mapping of the image that may differ from it, in order.
    #[cfg_attr(not(target_os = "linux"), expect(unused_variables, clippy::unused_self))]
    pub(super) fn changed(
        &self,
        addresses: &Range<usize>,
        found: &mut Vec<Range<usize>>,
    ) -> Result<(), MemoryError> {
        found.clear();
        match self {
            #[cfg(target_os = "linux")]
            Self::Tracked(_, pages) => pages.written(addresses, found),
            #[cfg(target_os = "linux")]
            Self::Scanned(pages) => pages.copied(addresses, found),
            #[cfg(target_os = "linux")]
            Self::Listed(pages) => pages.listed(addresses, found),
            Self::Dropped => Err(MemoryError::Absent("page map")),
        }
    }

    /// The pages of anonymous memory that may hold something else than zeros, in order.
    #[cfg_attr(not(target_os = "linux"), expect(unused_variables, clippy::unused_self))]
    pub(super) fn not_zero(
        &self,
        addresses: &Range<usize>,
        found: &mut Vec<Range<usize>>,
    ) -> Result<(), MemoryError> {
        found.clear();
        match self {
            #[cfg(target_os = "linux")]
            Self::Tracked(_, pages) | Self::Scanned(pages) => pages.not_zero(addresses, found),
            #[cfg(target_os = "linux")]
            Self::Listed(pages) => pages.listed(addresses, found),
            Self::Dropped => Err(MemoryError::Absent("page map")),
        }
    }
}
