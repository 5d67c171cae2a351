//! What is kept: a module per noun with its queries, on SQLite and PostgreSQL alike.
//!
//! Every function takes the [`Store`] itself or a [`Transaction`] of it as its first argument. Ids
//! and times come from the caller; times are kept to the microsecond.

pub mod approvals;
pub mod artifacts;
pub mod audit;
pub mod calls;
pub mod changes;
pub mod client_sessions;
mod connection;
mod data_keys;
mod direct;
mod error;
pub mod examination;
pub mod external_sources;
pub mod grants;
mod idle;
pub mod installation;
mod json;
pub mod key;
pub mod keyring;
mod migrations;
mod open;
pub mod package_locks;
mod page;
pub mod refusals;
pub mod removed_modules;
pub mod requests;
pub mod revisions;
pub mod rotation;
mod seal;
mod search;
pub mod secrets;
pub mod servers;
pub mod sessions;
pub mod settings;
pub mod source_tokens;
mod store;
pub mod tokens;
pub mod tools;
pub mod users;

pub use connection::{Connection, Transaction};
pub use error::{Error, Result};
pub use json::Json;
pub use open::{Location, Observer};
pub use page::{Listed, Page};
pub use store::Store;
