//! OAuth 2.1 as data, for a client: no socket, no table, no clock.
//!
//! The caller sends what is made here, hands in what came back with the time, and keeps the records. In order:
//!
//! 1. A server answers 401: [`BearerChallenge::find`] reads why.
//! 2. [`metadata_urls`] says where its metadata may be, [`ProtectedResource::read`] what it says;
//!    [`ProtectedResource::without_metadata`] is for a server that has none.
//! 3. [`Issuer::metadata_urls`] and [`AuthorizationServer::read`] do so for the server that gives the tokens;
//!    [`AuthorizationServer::by_convention`] is for an old one without metadata.
//! 4. [`registration::begin`] finds the [`Client`] to be, [`Scopes::choose`] what to ask for.
//! 5. [`login::begin`] makes the address for a person's browser and the [`Login`] to keep; [`Login::accept`] reads what the
//!    browser brings back, [`Login::exchange`] asks for tokens. [`tokens::client_credentials`] needs no person.
//! 6. [`Tokens::read`] reads the answer. [`Tokens::age`] says when to renew, [`Tokens::renewal`] how, [`TokenError::remedy`]
//!    who can help when that fails, [`Scopes::step_up`] what to ask for when the resource wants more, and
//!    [`Tokens::revocation`] gives them back.
//!
//! Credentials and tokens belong to an [`Issuer`] and are shown to no other: each function that would do so
//! refuses. Texts of servers are made fit to be shown before they get into an error.

mod address;
mod callback;
mod challenge;
mod client;
mod document;
pub mod fuzzing;
mod issuer;
mod key;
pub mod login;
mod refusal;
pub mod registration;
mod request;
mod resource;
mod scope;
mod secret;
mod server;
mod text;
pub mod tokens;

pub use address::{AddressError, Endpoint, PlainHttp, is_loopback};
pub use callback::{Callback, CallbackError};
pub use challenge::{BearerChallenge, Challenge};
pub use client::{Client, ClientError, Credential, Origin};
pub use issuer::Issuer;
pub use key::{Algorithm, KeyError, PrivateKey};
pub use login::{Begun, Login, LoginError, Wish};
pub use refusal::{Remedy, TokenError};
pub use request::{Answer, Post};
pub use resource::{ProtectedResource, ResourceError, canonical, metadata_urls};
pub use scope::{Known, MOST_STEP_UPS, OFFLINE_ACCESS, Scopes, StepUpError};
pub use secret::{RandomError, Secret};
pub use server::{AuthorizationServer, ServerError};
pub use tokens::{Age, OwnWish, Tokens};
