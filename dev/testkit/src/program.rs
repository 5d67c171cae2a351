//! Starts the real binary on free ports and stops it by its process id.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_mins(1);

/// The variables that switch the rate limits off; without them, those of the settings hold.
pub const RATE_LIMITS: [&str; 2] = ["MCPBOX_MCP_RATE_LIMIT_RPM", "MCPBOX_API_RATE_LIMIT_RPM"];

/// The name and password of the account that tests make.
pub const ACCOUNT: (&str, &str) = ("grace", "a long enough password");

/// A running `mcpbox`.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// Address of the pages, if this program serves them.
    pub admin: String,
    /// Address of `/mcp`, if this program serves it.
    pub mcp: String,
}

/// What a program is started with.
#[derive(Debug)]
pub struct Start<'a> {
    /// `serve`, `admin` or `gateway`.
    pub command: &'a str,
    /// Its data directory; it need not exist, its parent must.
    pub data_dir: &'a Path,
    /// A PostgreSQL database instead of SQLite.
    pub database_url: Option<&'a str>,
    /// Further arguments.
    pub arguments: &'a [&'a str],
}

impl Start<'_> {
    /// The command, on free loopback ports unless the arguments say otherwise.
    pub fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command.current_dir(self.data_dir.parent().expect("a data directory has a parent"));
        command.env_remove("MCPBOX_DATABASE_URL").arg(self.command);
        // Tests and measurements ask faster than any person.
        for variable in RATE_LIMITS {
            command.env(variable, "0");
        }
        command.arg("--data-dir").arg(self.data_dir);
        for (doors, flag) in
            [(["serve", "admin"], "--admin-listen"), (["serve", "gateway"], "--mcp-listen")]
        {
            if doors.contains(&self.command) && !self.arguments.contains(&flag) {
                command.args([flag, "127.0.0.1:0"]);
            }
        }
        if let Some(url) = self.database_url {
            command.args(["--database-url", url]);
        }
        command.args(self.arguments);
        command
    }

    /// Starts it and waits until it says that it is ready.
    pub fn run(&self) -> Program {
        self.run_as(self.command())
    }

    /// Starts `command`, which runs this program as itself or by `exec`, and waits until it says
    /// that it is ready.
    pub fn run_as(&self, mut command: Command) -> Program {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program starts");
        let output = child.stdout.take().expect("standard output is a pipe");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut program = Program { child, admin: String::new(), mcp: String::new() };
        let expected =
            usize::from(self.command != "gateway") + usize::from(self.command != "admin");
        let mut found = 0;
        while found < expected {
            let line = lines.recv_timeout(START).expect("the program becomes ready");
            let address = line.split_whitespace().last().unwrap_or_default().to_owned();
            if line.contains("Pages for people:") {
                program.admin = address;
                found += 1;
            } else if line.contains("MCP clients:") {
                program.mcp = address;
                found += 1;
            }
        }
        program
    }

    /// Starts it, expecting that it refuses, and returns what it says.
    pub fn refused(&self) -> String {
        let mut child = self
            .command()
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let began = Instant::now();
        while child.try_wait().expect("its state is known").is_none() {
            if began.elapsed() > START {
                let _killed = child.kill();
                panic!("the program did not refuse to start");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut text = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut text).expect("text");
        assert!(
            !child.wait().expect("an exit status").success(),
            "it refuses with an error: {text}"
        );
        text
    }
}

impl Program {
    /// `mcpbox serve` on SQLite in `data_dir`, or on the database of `url`.
    pub fn serve(data_dir: &Path, url: Option<&str>) -> Self {
        Start { command: "serve", data_dir, database_url: url, arguments: &[] }.run()
    }

    /// Kills the program at once, as `kill -9` does.
    pub fn kill(mut self) -> u32 {
        let id = self.child.id();
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ended");
        id
    }

    /// Asks the program to end, as `kill` does, and waits for it.
    pub fn terminate(mut self) -> std::process::ExitStatus {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").arg(&id).status().expect("kill runs");
        assert!(sent.success());
        self.child.wait().expect("it ended")
    }

    /// Waits for a program that was told to end.
    pub fn ended(mut self) -> std::process::ExitStatus {
        self.child.wait().expect("it ended")
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The process ids of its workers.
    pub fn workers(&self) -> Vec<u32> {
        children(self.child.id())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// The direct children of a process.
pub fn children(parent: u32) -> Vec<u32> {
    let listed = std::fs::read_dir("/proc").expect("/proc is there");
    let ids = listed.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| parent_of(*id) == Some(parent)).collect()
}

/// Whether a process still runs.
pub fn alive(id: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = status.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}

fn parent_of(id: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit(") ").next()?.split_whitespace().nth(1)?.parse().ok()
}

/// The program under test: `mcpbox` in the folder of the running program or above it.
pub fn binary() -> PathBuf {
    let here = std::env::current_exe().expect("the running program has a path");
    let found = here.ancestors().map(|folder| folder.join("mcpbox")).find(|path| path.is_file());
    found.expect("mcpbox is built beside this program; build it with `cargo xtask build`")
}

/// The guest that `cargo xtask build` made.
pub fn guest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guest/python.cwasm.zst")
}
