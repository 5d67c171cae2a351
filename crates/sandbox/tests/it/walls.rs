//! The walls round a worker: tried from inside, looked at from outside, and missed where the kernel has none.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output};

use sandbox::{ProcessError, Sandbox, StartError, Wall, Walls, WallsPolicy};

use crate::workers::{own_sandbox, processes_in};
use crate::{assert_works, config, shared_folder};

const PROBE: &str = env!("CARGO_BIN_EXE_sandbox-probe");

/// Attempts that succeed without walls and are answered with an error behind them.
const REFUSED: &[&str] = &[
    "read-a-file",
    "write-a-file",
    "list-a-folder",
    "read-its-parents-environment",
    "run-a-program",
    "start-a-thread",
    "fork",
    "have-its-parent-signalled",
    "map-executable-memory",
    "make-memory-executable",
    "raise-a-limit",
];

/// Attempts that succeed without walls and end the process behind them.
const DEADLY: &[&str] = &[
    "connect",
    "listen",
    "send-a-datagram",
    "make-a-socket-pair",
    "become-a-program",
    "signal-its-parent",
    "let-itself-be-traced",
];

/// Attempts that succeed behind the walls, too.
const ALLOWED: &[&str] = &["map-memory", "make-memory-read-only", "have-a-pid"];

/// Where the attempts are made.
struct Ground {
    folder: tempfile::TempDir,
    listener: TcpListener,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("file"), "content").expect("it can be written");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Self { folder, listener }
    }

    fn argument(&self, attempt: &str) -> String {
        let path = |name: &str| self.folder.path().join(name).to_string_lossy().into_owned();
        match attempt {
            "read-a-file" => path("file"),
            "write-a-file" => path("new"),
            "list-a-folder" => path(""),
            "connect" => self.listener.local_addr().expect("it listens").to_string(),
            _ => String::new(),
        }
    }

    /// Runs the probe; `how` is its words before the attempt.
    fn probe(&self, how: &[&str], attempt: &str) -> Output {
        let mut probe = Command::new(PROBE);
        probe.args(how).arg(attempt).arg(self.argument(attempt));
        probe.output().expect("the probe runs")
    }
}

fn said(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("text").lines().last().unwrap_or_default()
}

fn assert_done(output: &Output, attempt: &str) {
    // A program that the probe has become says nothing.
    let expected = if attempt == "become-a-program" { "" } else { "done" };
    assert_eq!((said(output), output.status.code()), (expected, Some(0)), "{attempt}");
}

fn assert_refused(output: &Output, attempt: &str) {
    assert!(said(output).starts_with("refused: "), "{attempt}: {output:?}");
}

fn assert_killed(output: &Output, attempt: &str) {
    assert_eq!(output.status.signal(), Some(libc::SIGSYS), "{attempt}: {output:?}");
}

#[test]
fn every_attempt_succeeds_without_walls() {
    let ground = Ground::new();
    for attempt in REFUSED.iter().chain(DEADLY).chain(ALLOWED) {
        assert_done(&ground.probe(&["open"], attempt), attempt);
    }
}

#[test]
fn behind_the_walls_nothing_outside_is_within_reach() {
    let ground = Ground::new();
    for attempt in REFUSED {
        assert_refused(&ground.probe(&["walled"], attempt), attempt);
    }
    for attempt in DEADLY {
        assert_killed(&ground.probe(&["walled"], attempt), attempt);
    }
    for attempt in ALLOWED {
        assert_done(&ground.probe(&["walled"], attempt), attempt);
    }
    assert!(!ground.folder.path().join("new").exists());
}

#[test]
fn a_thread_that_was_there_before_the_filter_is_behind_it_too() {
    let ground = Ground::new();
    let how = ["walled", "from-a-thread"];
    assert_refused(&ground.probe(&how, "read-a-file"), "read-a-file");
    assert_refused(&ground.probe(&how, "make-memory-executable"), "make-memory-executable");
    assert_killed(&ground.probe(&how, "listen"), "listen");
    assert_done(&ground.probe(&how, "map-memory"), "map-memory");
}

#[test]
fn seccomp_holds_where_landlock_is_missing() {
    let ground = Ground::new();
    let how = ["without", "landlock", PROBE, "walled"];
    for attempt in REFUSED {
        assert_refused(&ground.probe(&how, attempt), attempt);
    }
    for attempt in DEADLY {
        assert_killed(&ground.probe(&how, attempt), attempt);
    }
}

#[test]
fn landlock_holds_where_seccomp_is_missing() {
    let ground = Ground::new();
    let how = ["without", "seccomp", PROBE, "walled"];
    let output = ground.probe(&how, "map-executable-memory");
    // What is seccomp's alone shows that it is missing here.
    assert_done(&output, "map-executable-memory");
    let walls = std::str::from_utf8(&output.stdout).expect("text").lines().next();
    let walls: Walls = serde_json::from_str(walls.expect("a line")).expect("the walls");
    assert!(!walls.seccomp.is_in_force());
    let Wall::InForce(covered) = walls.landlock else { panic!("this kernel has no Landlock") };
    let files = ["read-a-file", "write-a-file", "list-a-folder", "read-its-parents-environment"];
    let ports: &[&str] = if covered.contains("TCP") { &["connect", "listen"] } else { &[] };
    let signals: &[&str] = if covered.contains("signals") { &["signal-its-parent"] } else { &[] };
    for attempt in files.iter().chain(ports).chain(signals) {
        assert_refused(&ground.probe(&how, attempt), attempt);
    }
}

#[test]
fn calls_that_only_an_attacker_makes_end_the_worker() {
    let ground = Ground::new();
    let numbers = [
        libc::SYS_execveat,
        libc::SYS_process_vm_readv,
        libc::SYS_pidfd_open,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_bpf,
        libc::SYS_io_uring_setup,
        libc::SYS_perf_event_open,
        libc::SYS_keyctl,
        libc::SYS_userfaultfd,
        libc::SYS_setuid,
    ];
    for number in numbers.map(|number| number.to_string()) {
        let output = ground.probe(&["walled", "ask-by-number"], &number);
        assert_killed(&output, &number);
        let unwalled = ground.probe(&["open", "ask-by-number"], &number);
        assert_eq!(unwalled.status.signal(), None, "{number}");
    }
}

#[test]
fn a_panic_behind_the_walls_ends_the_process() {
    let output = Ground::new().probe(&["walled"], "panic");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
}

#[tokio::test]
async fn a_worker_shows_its_walls_and_holds_nothing() {
    let (sandbox, folder) = own_sandbox(1).await;
    assert_works(&sandbox).await;
    let [worker] = processes_in(folder.path())[..] else { panic!("one worker") };
    let process = Path::new("/proc").join(worker.to_string());
    let status = std::fs::read_to_string(process.join("status")).expect("anybody may read it");
    let field = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name));
        value.expect("the field is there").trim().to_owned()
    };
    assert_eq!(field("NoNewPrivs:"), "1");
    assert_eq!(field("Seccomp:"), "2");
    assert_eq!(field("CapEff:").trim_matches('0'), "");
    assert_eq!(field("CapPrm:").trim_matches('0'), "");
    // To everybody but root the worker's environment and descriptors are closed as well.
    match std::fs::read(process.join("environ")) {
        Ok(environment) => assert_eq!(environment, b""),
        Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
    }
    match std::fs::read_dir(process.join("fd")) {
        Ok(entries) => {
            let links = entries.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
            // The runtime wakes itself through a pair of sockets that lead nowhere else; one more leads to
            // the server, for packages.
            let (own, others): (Vec<_>, Vec<_>) =
                links.partition(|target| target.to_string_lossy().starts_with("socket:"));
            assert!(own.len() <= 4, "{own:?}");
            assert!(others.len() >= 5, "{others:?}");
            for target in &others {
                assert_harmless(target);
            }
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
    }
}

/// A pipe, something of the runtime, or the guest's code and memory.
fn assert_harmless(target: &Path) {
    let target = target.to_string_lossy();
    let kinds = ["pipe:", "anon_inode:", "/memfd:"];
    let names = ["/dev/null", "/pagemap", "/statm", ".cwasm"];
    let known = kinds.iter().any(|kind| target.starts_with(kind))
        || names.iter().any(|name| target.ends_with(name));
    assert!(known, "a worker holds {target}");
}

#[tokio::test]
async fn a_missing_wall_is_told_and_stops_the_start_where_it_is_required() {
    for wall in ["landlock", "seccomp"] {
        let mut without = config(1, shared_folder());
        let words = [PROBE, "without", wall].map(Into::into);
        without.worker_command = words.into_iter().chain(without.worker_command).collect();
        let sandbox = Sandbox::start(without.clone()).await.expect("it starts without");
        assert_works(&sandbox).await;
        let walls = sandbox.status().walls.expect("a worker is there");
        let missing = walls.missing().expect("one is missing");
        assert!(missing.starts_with(wall) && !missing.contains(", "), "{missing}");
        without.walls = WallsPolicy::Required;
        let refused = Sandbox::start(without).await.err().expect("it does not start");
        let StartError::Worker(ProcessError::Walls(text)) = &refused else { panic!("{refused}") };
        assert_eq!(*text, missing);
    }
}

#[tokio::test]
async fn with_every_wall_required_the_sandbox_starts_where_the_kernel_has_them() {
    let mut strict = config(1, shared_folder());
    let lenient = Sandbox::start(strict.clone()).await.expect("it starts");
    let walls = lenient.status().walls.expect("a worker is there");
    strict.walls = WallsPolicy::Required;
    match (Sandbox::start(strict).await, walls.missing()) {
        (Ok(sandbox), None) => assert_works(&sandbox).await,
        (Err(StartError::Worker(ProcessError::Walls(text))), Some(missing)) => {
            assert_eq!(text, missing);
        }
        (started, missing) => panic!("{:?} with {missing:?} missing", started.err()),
    }
}
