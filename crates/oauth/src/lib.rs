//! OAuth 2.1 as data, for a client: no socket, no table, no clock.
//!
//! The caller sends what is made here, hands in what came back with the time, and keeps the records.

mod address;
mod callback;
mod challenge;
mod client;
mod document;
mod issuer;
mod key;
pub mod login;
pub mod registration;
mod request;
mod resource;
mod scope;
mod secret;
mod server;
mod text;

pub use address::{AddressError, Endpoint, PlainHttp, is_loopback};
pub use callback::{Callback, CallbackError};
pub use challenge::{BearerChallenge, Challenge};
pub use client::{Client, ClientError, Credential, Origin};
pub use issuer::Issuer;
pub use key::{Algorithm, KeyError, PrivateKey};
pub use login::{Begun, Login, LoginError, Wish};
pub use request::{Answer, Post};
pub use resource::{ProtectedResource, ResourceError, canonical, metadata_urls};
pub use scope::{Known, MOST_STEP_UPS, OFFLINE_ACCESS, Scopes, StepUpError};
pub use secret::{RandomError, Secret};
pub use server::{AuthorizationServer, ServerError};
