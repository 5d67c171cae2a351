//! How much a request may take, however long it is waited for.

use std::time::Duration;

/// The most bytes of a body, sent or received, that a tool's request may have.
pub const BODY: usize = 10_000_000;

/// The most bytes and the most fields of a header section, sent or received.
pub const HEADER_BYTES: usize = 64 * 1024;
/// See [`HEADER_BYTES`].
pub const HEADER_FIELDS: usize = 200;

/// The longest URL, in bytes.
pub const URL: usize = 32 * 1024;

/// How many redirects are followed at most.
pub const REDIRECTS: usize = 10;

/// What a compressed body may grow to: this many times what came, once it is larger than
/// [`FREE_EXPANSION`] bytes.
pub const EXPANSION: usize = 200;
/// See [`EXPANSION`].
pub const FREE_EXPANSION: usize = 1_000_000;

/// How long finding a name's addresses, connecting and the TLS handshake may take together.
pub const CONNECT: Duration = Duration::from_secs(10);

/// How long a request may take with all its redirects.
pub const TOTAL: Duration = Duration::from_mins(5);

/// How many requests of one caller, and of all, are under way at once; more wait.
pub const IN_FLIGHT_PER_CALLER: usize = 512;
/// See [`IN_FLIGHT_PER_CALLER`].
pub const IN_FLIGHT: usize = 1024;

/// How many bytes of bodies, sent and received, one caller may have under way at once.
pub const BYTES_PER_CALLER: usize = 128_000_000;

/// How many callers keep connections, how many idle ones for each host, and how long.
pub const CALLERS: usize = 256;
/// See [`CALLERS`].
pub const IDLE_PER_HOST: usize = 32;
/// See [`CALLERS`].
pub const IDLE: Duration = Duration::from_secs(30);
