//! Servers to call: those of the official libraries of Python and of Node.js, and one that gives tokens.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server of Python on a port of its own, which ends with the test.
pub struct Python {
    child: Child,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

/// The Python with the official servers that `cargo xtask test` sets up.
pub fn python() -> PathBuf {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/dev/bin/python");
    assert!(python.exists(), "{} is missing; run `cargo xtask test`", python.display());
    python
}

/// The program of the servers: `mcp` or `fastmcp`, then `http`, `sse` or `stdio`, then `session` for
/// the older era.
pub fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/server.py")
}

impl Python {
    /// Starts a server with the arguments of [`script`].
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(python());
        command.arg(script()).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let output = child.stdout.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("it says its port");
        Self { child, port: line.trim().parse().expect("a port") }
    }

    /// The address of one of its paths, such as `mcp`.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// A server in Node.js, which ends with the test.
pub struct Node {
    child: Child,
    /// Its ports on 127.0.0.1, in the order in which it tells them.
    pub ports: Vec<u16>,
}

/// Where `cargo xtask test` leaves Node.js and its packages.
pub fn node_folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/node");
    assert!(
        folder.join("node").exists(),
        "{} is missing; run `cargo xtask test`",
        folder.display()
    );
    folder
}

/// The program of the official server that offers everything; `stdio` or `streamableHttp` follows.
pub fn everything() -> PathBuf {
    node_folder().join("node_modules/@modelcontextprotocol/server-everything/dist/index.js")
}

impl Node {
    /// Starts the official server that offers everything, over Streamable HTTP.
    pub fn everything() -> Self {
        // It takes a number and tells none: a port that was free a moment ago.
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let mut command = node();
        command.arg(everything()).arg("streamableHttp").env("PORT", port.to_string());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("it starts");
        let server = Self { child, ports: vec![port] };
        let begins = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begins.elapsed() < Duration::from_mins(1), "the server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Starts an authorization server that rotates refresh tokens, and an MCP server that wants its access tokens,
    /// which live so many seconds: its ports in this order.
    pub fn authorization(lifetime: u32) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/authorization.mjs");
        let mut command = node();
        command.arg(script).arg(lifetime.to_string()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let output = child.stdout.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("it says its ports");
        let ports = line.split_whitespace().map(|port| port.parse().expect("a port")).collect();
        Self { child, ports }
    }
}

fn node() -> Command {
    let folder = node_folder();
    let mut command = Command::new(folder.join("node"));
    command.current_dir(folder);
    command
}

impl Drop for Node {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
