//! The way out against real peers, in networks of their own where every address is local.

mod answers;
mod guard;
mod http2;
mod patience;
mod peer;
mod pool;
mod redirects;
mod requests;
mod tls;
mod wire;
mod world;
