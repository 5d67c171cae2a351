//! The client of MCP against servers: real ones, and such as do what no server should.

mod lines;
mod odd;
mod python;
mod scripted;
mod world;
