//! The only way out: HTTP requests to what a person or the operator allowed, and to nothing else.
//!
//! A [`Client`] sends a [`Request`] for a caller under a [`Policy`]. The host is checked before its
//! name is resolved, every address it resolves to before the one connection is made, and all of it
//! again after each redirect. Nothing of the environment (proxies, `.netrc`) has a say: a [`Proxy`] is
//! a setting, and is asked for addresses that were checked. No cookie is kept, and callers share no
//! connection.

pub mod address;
mod client;
mod configured;
mod connector;
mod decode;
mod error;
mod exchange;
pub mod fuzzing;
pub mod grant;
pub mod host;
mod lane;
pub mod limits;
pub mod mcp;
mod policy;
mod proxy;
mod record;
mod redirect;
mod request;
mod resolver;
mod response;
mod stream;
mod target;
mod tls;
mod upload;
pub mod wire;

pub use client::{Client, Exchange, Settings, SetupError};
pub use configured::{Bounds, Configured, Fetched};
pub use error::{Kind, RequestError};
pub use hyper::body::Incoming;
pub use policy::{Policy, Public, Reach, Refusal};
pub use proxy::{Proxy, ProxyTextError};
pub use record::{Failure, Place, Record};
pub use request::{Request, Timeouts};
pub use response::{Head, Response};
pub use tls::TrustError;
