//! The ways to make a used memory new again, from the fastest to the one that works everywhere.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a used memory becomes the snapshot again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Recipe {
    /// The kernel notes each first write (userfaultfd in asynchronous write-protect mode); the pages
    /// written are copied back.
    #[serde(rename = "userfaultfd")]
    Tracked,
    /// One `PAGEMAP_SCAN` finds the pages that are the process's own; they are copied back.
    #[serde(rename = "pagemap-scan")]
    Scanned,
    /// The same, found by reading `/proc/self/pagemap`.
    #[serde(rename = "pagemap")]
    Pagemap,
    /// The memory is mapped anew: no page is ever used twice.
    #[serde(rename = "drop")]
    Dropped,
    /// Wasmtime's pooling allocator, with no memory of ours.
    #[serde(rename = "pool")]
    Pool,
}

impl Recipe {
    /// Those that this module carries out, the fastest first.
    pub const OWN: [Self; 4] = [Self::Tracked, Self::Scanned, Self::Pagemap, Self::Dropped];

    /// The name in settings and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tracked => "userfaultfd",
            Self::Scanned => "pagemap-scan",
            Self::Pagemap => "pagemap",
            Self::Dropped => "drop",
            Self::Pool => "pool",
        }
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
