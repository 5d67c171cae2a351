//! OAuth 2.1 as data, for a client: no socket, no table, no clock.
//!
//! The caller sends what is made here, hands in what came back with the time, and keeps the records.

mod address;
mod challenge;
mod document;
mod issuer;
mod resource;
mod scope;
mod secret;
mod server;
mod text;

pub use address::{AddressError, Endpoint, PlainHttp, is_loopback};
pub use challenge::{BearerChallenge, Challenge};
pub use issuer::Issuer;
pub use resource::{ProtectedResource, ResourceError, canonical, metadata_urls};
pub use scope::{Known, MOST_STEP_UPS, OFFLINE_ACCESS, Scopes, StepUpError};
pub use secret::{RandomError, Secret};
pub use server::{AuthorizationServer, ServerError};
