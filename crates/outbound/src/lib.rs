//! The only way out: HTTP requests to what a person or the operator allowed, and to nothing else.

pub mod address;
pub mod grant;
pub mod host;
pub mod policy;
