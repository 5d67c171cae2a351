//! A PostgreSQL server for tests: started on a free port in a folder of its own, gone afterwards.

mod cluster;
mod database;
mod programs;

pub use cluster::Cluster;
pub use database::{Database, URL_VARIABLE};
