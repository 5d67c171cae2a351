//! Why a memory could not be made, reset or recorded.

use std::io;

use super::WASM_PAGE;

/// Why a memory could not be made, reset or recorded.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The system refused something that does not concern the tracking of written pages.
    #[error("cannot {action}")]
    System {
        /// What was tried, an infinitive with its object.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The system refused something without which it is unknown which pages were written.
    #[error("written pages cannot be tracked: cannot {action}")]
    Tracking {
        /// What was tried, an infinitive with its object.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// Mapping over a part of a reservation failed and may have left a hole in it.
    #[error("cannot {action}; a part of the reservation may be gone")]
    Torn {
        /// What was tried, an infinitive with its object.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// An earlier change of access failed and may have changed a part.
    #[error("a part of the slot may be accessible that should not be")]
    Uneven,
    /// This system has nothing of the kind.
    #[error("there is no {0} on this system")]
    Absent(&'static str),
    /// A memory image whose length no linear memory can have on this system.
    #[error("a memory image of {0} bytes is not a whole number of pages of {WASM_PAGE} bytes")]
    ImageLength(u64),
    /// A descriptor was handed over as a memory image that somebody could still write to.
    #[error("the memory image is not sealed against being written, shortened and lengthened")]
    NotSealed,
    /// Something outside of what is mapped and accessible was asked for.
    #[error("bytes {start:#x} to {end:#x} are not within the accessible {accessible:#x}")]
    Range {
        /// The first byte asked for.
        start: usize,
        /// The byte after the last one asked for.
        end: usize,
        /// How many bytes are accessible.
        accessible: usize,
    },
    /// After a reset the memory was not what it should be.
    #[error("after a reset the memory differs from the snapshot within 4 KiB of {0:#x}")]
    Differs(usize),
    /// Pages are reported as written that nobody wrote: correct, but slower than doing without.
    #[error("{reported} pages are reported as written where {written} were")]
    Overreported {
        /// Pages reported.
        reported: usize,
        /// Pages written.
        written: usize,
    },
    /// A delta was made from another image than the one it is to be applied to, or under a limit
    /// that is higher.
    #[error("the prepared memory does not fit these memories")]
    OtherImage,
    /// The store that was to be recorded did not own the memory made under the recording.
    #[error("the recorded memory was not part of that store")]
    NotRecorded,
}

impl MemoryError {
    /// Whether after this failure of a reset the tracking itself is in doubt, not one slot alone:
    /// other slots may then have been reset wrongly without anybody noticing.
    pub(super) fn leaves_doubt(&self) -> bool {
        match self {
            Self::Tracking { .. }
            | Self::Torn { .. }
            | Self::Range { .. }
            | Self::Differs(_)
            | Self::Overreported { .. } => true,
            Self::System { .. }
            | Self::Uneven
            | Self::Absent(_)
            | Self::ImageLength(_)
            | Self::NotSealed
            | Self::OtherImage
            | Self::NotRecorded => false,
        }
    }

    /// The message with the system's reason.
    pub(super) fn sentence(&self) -> String {
        match std::error::Error::source(self) {
            Some(source) => format!("{self}: {source}"),
            None => self.to_string(),
        }
    }

    pub(super) fn system(action: &'static str, source: impl Into<io::Error>) -> Self {
        Self::System { action, source: source.into() }
    }

    pub(super) fn tracking(action: &'static str, source: impl Into<io::Error>) -> Self {
        Self::Tracking { action, source: source.into() }
    }

    pub(super) fn torn(action: &'static str, source: impl Into<io::Error>) -> Self {
        Self::Torn { action, source: source.into() }
    }
}
