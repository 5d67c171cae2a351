//! The way out against real peers, in networks of their own where every address is local.

mod guard;
mod peer;
mod world;
