//! The client of MCP against servers: real ones, and such as do what no server should.

mod python;
mod world;
