//! Drives the stand-ins for services of the internet in a process of their own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::client::python;

/// Services that answer as a test says.
pub(crate) struct Services {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Services {
    /// Starts them on the ports 80, 443 and 8123 of every address; the certificate of their authority
    /// is then in `authority`, to be trusted for `names`.
    pub(crate) fn start(authority: &Path, names: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/peers/services.py");
        let mut child = Command::new(python())
            .arg(script)
            .arg(authority)
            .args(names)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the services start");
        let commands = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut services = Self { child, commands, answers };
        services.read();
        services
    }

    /// From now on these are asked, in any order, and each is answered once.
    pub(crate) fn expect(&mut self, exchanges: &Value) {
        self.renew(exchanges);
    }

    /// Checks that what was expected was asked, and nothing else.
    pub(crate) fn check(&mut self, what: &str) {
        let left = self.renew(&json!([]));
        assert_eq!(left, json!({"asked": [], "unknown": []}), "{what}");
    }

    fn renew(&mut self, exchanges: &Value) -> Value {
        writeln!(self.commands, "{}", json!({"expect": exchanges})).expect("the services read");
        self.read()
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the services answer");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the services ended: {line:?}"))
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
