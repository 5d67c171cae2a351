//! Python packages without network or disk: names, versions, index answers, the choice of versions, wheels.
//!
//! The caller fetches what [`resolve()`] asks for and hands in bytes; nothing here opens a connection
//! or a file. What is decided here is what runs beside a person's secrets, so everything an index or a
//! wheel says is checked, and refused in a sentence that says what to do.

mod archive;
mod environment;
mod explain;
pub mod fuzzing;
mod hash;
mod html;
mod index;
mod known;
mod lock;
mod marker;
mod metadata;
mod modules;
mod name;
pub mod osv;
mod path;
mod record;
mod requirement;
mod resolve;
mod tags;
mod wheel;

pub use archive::{ArchiveError, MOST_FILES, MOST_UNPACKED};
pub use environment::is_provided;
pub use index::{ACCEPT, Candidate, IndexError, LARGEST_LISTING, Listing, Unusable};
pub use known::{Knowledge, Step};
pub use lock::{Lock, Locked};
pub use metadata::{LARGEST_METADATA, Metadata, MetadataError};
pub use name::{NameError, PackageName};
pub use osv::Advisory;
pub use path::PathError;
pub use pep440_rs::Version;
pub use record::RecordError;
pub use requirement::Requirement;
pub use resolve::{MOST_PACKAGES, ResolveError, resolve};
pub use wheel::{Wheel, WheelError};
