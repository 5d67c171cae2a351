//! What is known of an index so far, and what is asked for next.

use std::collections::BTreeMap;

use crate::{Candidate, Listing, Lock, Locked, Metadata, PackageName};

/// Listings and metadata that were fetched for one resolution.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    /// Nothing where the index does not know the name.
    listings: BTreeMap<PackageName, Option<Listing>>,
    /// By the wheel's hash: its metadata, or why it has none.
    metadata: BTreeMap<String, Result<Metadata, String>>,
}

/// What a resolution needs, or its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The resolution is complete.
    Done(Lock),
    /// The index has to be asked about this package.
    NeedListing(PackageName),
    /// The metadata of this wheel has to be fetched.
    NeedMetadata(Box<Candidate>),
}

impl Knowledge {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what the index says of a package.
    pub fn add_listing(&mut self, listing: Listing) {
        self.listings.insert(listing.name().clone(), Some(listing));
    }

    /// Adds that the index has no such package.
    pub fn add_missing(&mut self, name: PackageName) {
        self.listings.insert(name, None);
    }

    /// Adds a wheel's metadata.
    pub fn add_metadata(&mut self, candidate: &Candidate, metadata: Metadata) {
        self.metadata.insert(candidate.sha256.clone(), Ok(metadata));
    }

    /// Adds that a wheel cannot be used, and why: a sentence without a subject, such as "has no metadata". Another release is then chosen where one would do.
    pub fn refuse(&mut self, candidate: &Candidate, reason: impl Into<String>) {
        self.metadata.insert(candidate.sha256.clone(), Err(reason.into()));
    }

    /// The metadata of a locked wheel.
    pub fn metadata(&self, locked: &Locked) -> Option<&Metadata> {
        self.metadata.get(&locked.sha256)?.as_ref().ok()
    }

    /// What the index says of a package: nothing where it was not asked, `Some(None)` where it has no such package.
    pub fn listing(&self, name: &PackageName) -> Option<Option<&Listing>> {
        self.listings.get(name).map(Option::as_ref)
    }

    pub(crate) fn of_candidate(&self, candidate: &Candidate) -> Option<Result<&Metadata, &str>> {
        let known = self.metadata.get(&candidate.sha256)?;
        Some(known.as_ref().map_err(String::as_str))
    }
}
