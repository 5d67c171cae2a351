//! The programs that run in Node.js: the proxy before the door, and the suites.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Node.js and its packages, as `cargo xtask` leaves them.
#[derive(Debug)]
pub(crate) struct Node {
    folder: PathBuf,
}

impl Node {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Node, in the folder of the packages.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(self.folder.join("node"));
        command.current_dir(&self.folder);
        command
    }

    /// The program of a package of a suite.
    pub(crate) fn suite(&self, package: &str) -> PathBuf {
        self.folder.join("node_modules").join(package).join("dist/index.js")
    }
}

/// A running proxy; it ends with this value.
#[derive(Debug)]
pub(crate) struct Proxy {
    child: Child,
    /// Where the suites find the door.
    pub(crate) address: String,
}

impl Proxy {
    /// Starts the proxy before the door at `target`.
    pub(crate) fn start(node: &Node, target: &str, settings: &Value) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("proxy.mjs");
        let mut command = node.command();
        command.arg(script).arg(target).arg(settings.to_string());
        let child = command.stdout(Stdio::piped()).spawn().context("cannot start the proxy")?;
        let mut proxy = Self { child, address: String::new() };
        let output = proxy.child.stdout.take().context("the proxy has an output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).context("the proxy says where it listens")?;
        line.trim().clone_into(&mut proxy.address);
        ensure!(!proxy.address.is_empty(), "the proxy did not start");
        Ok(proxy)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
