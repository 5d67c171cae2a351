//! The whole program from outside: the real binary, real clients, real databases.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set up has failed"
)]

mod admin_api;
mod audit;
mod bad_input;
mod box_stand_in;
mod browser;
mod calls;
mod canary;
mod client;
mod completions;
mod configuration;
mod connections;
mod credentials;
mod database;
mod doctor;
mod durability;
mod examples;
mod exchange;
mod external_sources;
mod gateways;
mod health;
mod keys;
mod kinds;
mod lifecycle;
mod lossless;
mod memory;
mod metrics;
mod networked_examples;
mod outside;
mod packages;
mod pages;
mod permissions;
mod questions;
mod results;
mod resuming;
mod review;
mod reviewing;
mod secrets;
mod separate_doors;
mod services;
mod sessions;
mod settings;
mod silence;
mod soak;
mod stdio;
mod stopping;
mod subscriptions;
mod traces;
mod whole_loop;
mod wire;
mod world;
