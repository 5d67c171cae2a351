//! The client of the Model Context Protocol: it calls tools of external sources.
//!
//! A [`Source`] is one server, reached over Streamable HTTP in both eras of the protocol, over the
//! older HTTP with an event stream, or as a process of this machine. Everything that goes over HTTP
//! passes the guard of this crate. Tools, results and errors stay JSON as it came, with order and
//! digits kept: nothing is lost because it is not known here.
//!
//! No request is sent twice unless the source certainly did nothing about it.

mod about;
mod answer;
mod calls;
mod connection;
mod door;
mod error;
mod event_stream;
mod events;
mod farewell;
pub(crate) mod fuzzing;
mod life;
mod limits;
mod line;
mod link;
mod list;
mod listener;
mod message;
mod mirror;
mod patience;
mod process;
mod questions;
mod refusal;
mod restart;
mod source;
mod sse;
mod start;
mod streamable;

pub use error::{Error, ErrorWithin, Refused, RpcError};
pub use list::{LeftOut, Tools};
pub use listener::{Access, AccessError, Listener, Open};
pub use process::Program;
pub use source::{Call, Place, Setup, Source, Web};
pub use start::{Era, Started};
