//! Python packages without network or disk: names, versions, index answers, the choice of versions, wheels.
//!
//! The caller fetches what the resolver asks for and hands in bytes; nothing here opens a connection
//! or a file. What is decided here is what runs beside a person's secrets, so everything an index or a
//! wheel says is checked, and refused in a sentence that says what to do.

mod lock;
mod name;

pub use lock::{Lock, Locked};
pub use name::{NameError, PackageName};
pub use pep440_rs::Version;
