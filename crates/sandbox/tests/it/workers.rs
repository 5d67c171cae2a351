//! Worker processes: shared fairly, replaced when lost, gone when their server is.

use std::collections::HashSet;
use std::io::Write as _;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use sandbox::{Config, FailureKind, Limits, NoHost, Run, Sandbox};
use tempfile::TempDir;

use crate::{assert_works, config, eventually, main_of, run, sandbox, tool};

/// A sandbox whose workers can be told from those of other tests by their last argument.
pub(crate) async fn own_sandbox(workers: usize) -> (Sandbox, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = Sandbox::start(own_config(workers, folder.path())).await;
    (sandbox.expect("the sandbox starts"), folder)
}

fn own_config(workers: usize, folder: &Path) -> Config {
    let mut config = config(workers, folder.to_owned());
    config.worker_command.push(folder.into());
    config
}

/// The workers of [`own_sandbox`]. Their command lines are the most that their walls let others see.
pub(crate) fn processes_in(folder: &Path) -> Vec<u32> {
    let folder = folder.to_str().expect("a plain name");
    let entries = std::fs::read_dir("/proc").expect("Linux").flatten();
    entries
        .filter_map(|entry| {
            let process = entry.file_name().to_str()?.parse().ok()?;
            let words = std::fs::read_to_string(entry.path().join("cmdline")).ok()?;
            (words.trim_end_matches('\0').rsplit('\0').next()? == folder).then_some(process)
        })
        .collect()
}

fn signal(name: &str, process: u32) {
    let status = Command::new("kill").args([name, &process.to_string()]).status();
    assert!(status.expect("kill runs").success());
}

fn spin(sandbox: &Sandbox, seconds: u64) -> tokio::task::JoinHandle<sandbox::Outcome> {
    let sandbox = sandbox.clone();
    let limits = Limits { wall: Duration::from_secs(seconds), ..Limits::default() };
    let spinning = Run { limits, ..tool(&main_of("print('spinning')\nwhile True:\n    pass")) };
    tokio::spawn(async move { sandbox.run(spinning, Arc::new(NoHost)).await })
}

#[tokio::test]
async fn a_killed_worker_is_noticed_and_replaced() {
    let (sandbox, folder) = own_sandbox(1).await;
    let lost = spin(&sandbox, 30);
    eventually("the call runs", || sandbox.status().running_calls == 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let [worker] = processes_in(folder.path())[..] else { panic!("one worker") };
    signal("-KILL", worker);
    let outcome = lost.await.expect("the call ends");
    assert_eq!(outcome.result.expect_err("its worker is gone").kind, FailureKind::WorkerLost);
    assert_eq!(outcome.stdout, "spinning\n");
    assert_works(&sandbox).await;
    assert_ne!(processes_in(folder.path()), [worker]);
}

/// Runs until it is told to stop waiting, whatever becomes of its worker.
fn wait_in(sandbox: &Sandbox, seconds: u64) -> tokio::task::JoinHandle<sandbox::Outcome> {
    let sandbox = sandbox.clone();
    let limits = Limits { wall: Duration::from_mins(5), ..Limits::default() };
    let source = main_of(&format!("import asyncio\nawait asyncio.sleep({seconds})\nreturn 1"));
    let waiting = Run { limits, ..tool(&source) };
    tokio::spawn(async move { sandbox.run(waiting, Arc::new(NoHost)).await })
}

/// One call in each of two workers; of the first to end, what went wrong, and the other's result.
async fn one_lost(
    calls: [tokio::task::JoinHandle<sandbox::Outcome>; 2],
) -> (sandbox::Failure, String) {
    let [first, second] = calls;
    let (first, second) = (first.await.expect("it ends"), second.await.expect("it ends"));
    match (first.result, second.result) {
        (Err(lost), Ok(result)) | (Ok(result), Err(lost)) => (lost, result),
        both => panic!("one call is lost and one is not: {both:?}"),
    }
}

#[tokio::test]
async fn a_worker_that_hangs_is_given_up_long_before_its_calls_time_is() {
    let (sandbox, folder) = own_sandbox(2).await;
    let calls = [wait_in(&sandbox, 12), wait_in(&sandbox, 12)];
    eventually("both calls run", || sandbox.status().running_calls == 2).await;
    let [hung, _other] = processes_in(folder.path())[..] else { panic!("two workers") };
    tokio::time::sleep(Duration::from_millis(300)).await;
    signal("-STOP", hung);
    // By now its silence is noticed, and new calls go elsewhere.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_works(&sandbox).await;
    let (lost, result) = one_lost(calls).await;
    assert_eq!(lost.kind, FailureKind::WorkerLost);
    assert!(lost.message.contains("stopped answering"), "{lost}");
    assert_eq!(result, "1");
    eventually("the hung process is gone", || !processes_in(folder.path()).contains(&hung)).await;
    eventually("another has taken its place", || sandbox.status().ready == 2).await;
}

#[tokio::test]
async fn a_call_sent_to_a_hung_worker_ends_and_the_worker_is_replaced() {
    let (sandbox, folder) = own_sandbox(1).await;
    let [worker] = processes_in(folder.path())[..] else { panic!("one worker") };
    signal("-STOP", worker);
    let limits = Limits { wall: Duration::from_secs(1), ..Limits::default() };
    let hanging = Run { limits, ..tool(&main_of("return 1")) };
    let outcome = sandbox.run(hanging, Arc::new(NoHost)).await;
    assert_eq!(outcome.result.expect_err("nobody answers").kind, FailureKind::WorkerLost);
    assert_works(&sandbox).await;
    eventually("the hung process is gone", || !processes_in(folder.path()).contains(&worker)).await;
}

#[tokio::test]
async fn workers_that_are_lost_again_and_again_are_replaced_again_and_again() {
    let (sandbox, folder) = own_sandbox(1).await;
    // The third time there is a pause, in which calls wait.
    for name in ["-KILL", "-ABRT", "-TERM", "-KILL"] {
        let [worker] = processes_in(folder.path())[..] else { panic!("one worker") };
        signal(name, worker);
        let replaced = || matches!(processes_in(folder.path())[..], [other] if other != worker);
        eventually("there is another", replaced).await;
        assert_works(&sandbox).await;
    }
}

/// Puts `bytes` into what the server reads from its first worker, as a worker gone bad would.
///
/// A pipe can be opened anew under the name that its reading end has in `/proc`. The test runner gives each test a
/// process of its own, so that the pipes found here are this test's.
fn put_into_the_first_pipe(bytes: &[u8]) {
    let open_for_reading = |number: &u32| {
        let about = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}"));
        let flags = about.ok().and_then(|text| {
            let flags = text.lines().find_map(|line| line.strip_prefix("flags:"))?.trim();
            i32::from_str_radix(flags, 8).ok()
        });
        flags.is_some_and(|flags| flags & libc::O_ACCMODE == libc::O_RDONLY)
    };
    let pipes = std::fs::read_dir("/proc/self/fd").expect("Linux").flatten().filter_map(|entry| {
        let target = std::fs::read_link(entry.path()).ok()?;
        let number = entry.file_name().to_str()?.parse::<u32>().ok()?;
        (number > 2 && target.to_str()?.starts_with("pipe:")).then_some(number)
    });
    let first = pipes.filter(open_for_reading).min().expect("the pipe from the first worker");
    let mut pipe = std::fs::OpenOptions::new()
        .write(true)
        .open(format!("/proc/self/fd/{first}"))
        .expect("it can be written to");
    pipe.write_all(bytes).expect("it is written");
}

#[tokio::test]
async fn a_worker_that_sends_what_is_no_message_costs_its_own_calls_only() {
    let garbage = [5, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    let too_long = u32::MAX.to_le_bytes();
    for bytes in [garbage.as_slice(), too_long.as_slice()] {
        let (sandbox, _folder) = own_sandbox(2).await;
        let calls = [wait_in(&sandbox, 3), wait_in(&sandbox, 3)];
        eventually("both calls run", || sandbox.status().running_calls == 2).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        put_into_the_first_pipe(bytes);
        let (lost, result) = one_lost(calls).await;
        assert_eq!(lost.kind, FailureKind::WorkerLost);
        assert!(lost.message.contains("sent what cannot be read"), "{lost}");
        assert_eq!(result, "1");
        eventually("another has taken its place", || sandbox.status().ready == 2).await;
        assert_works(&sandbox).await;
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn a_worker_that_asks_to_be_replaced_ends_its_calls_first() {
    // The message `Retire` without a reason; a test in the module of the protocol holds it to this form.
    const RETIRE: [u8; 6] = [2, 0, 0, 0, 5, 0];
    let (sandbox, folder) = own_sandbox(1).await;
    let waiting = wait_in(&sandbox, 4);
    eventually("the call runs", || sandbox.status().running_calls == 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let [old] = processes_in(folder.path())[..] else { panic!("one worker") };
    put_into_the_first_pipe(&RETIRE);
    eventually("another is there beside it", || processes_in(folder.path()).len() == 2).await;
    assert_works(&sandbox).await;
    assert!(!waiting.is_finished());
    assert_eq!(waiting.await.expect("the call ends").result, Ok("1".to_owned()));
    eventually("the old one is gone", || !processes_in(folder.path()).contains(&old)).await;
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn a_worker_is_replaced_after_as_many_calls_as_are_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = own_config(1, folder.path());
    config.calls_per_worker = NonZeroU64::new(3);
    let sandbox = Sandbox::start(config).await.expect("it starts");
    let mut seen = HashSet::new();
    for _ in 0..9 {
        seen.extend(processes_in(folder.path()));
        assert_works(&sandbox).await;
    }
    assert!(seen.len() >= 3, "{seen:?}");
    eventually("former ones are gone", || processes_in(folder.path()).len() == 1).await;
}

#[tokio::test]
async fn a_loop_does_not_stall_the_calls_beside_it() {
    let sandbox = sandbox(1).await;
    assert_works(&sandbox).await;
    let spinning = spin(&sandbox, 20);
    eventually("the loop runs", || sandbox.status().running_calls == 1).await;
    let began = Instant::now();
    for _ in 0..10 {
        assert_works(&sandbox).await;
    }
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert!(!spinning.is_finished());
    spinning.abort();
}

#[tokio::test]
async fn a_hundred_waiting_calls_overlap() {
    let sandbox = sandbox(1).await;
    let source = main_of("import asyncio\nawait asyncio.sleep(2)\nreturn 1");
    run(&sandbox, &main_of("return 1")).await.result.expect("it runs");
    let began = Instant::now();
    let outcomes = join_all((0..100).map(|_| run(&sandbox, &source))).await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(sandbox.status().running_calls, 0);
}

#[tokio::test]
async fn more_calls_than_there_are_places_wait_for_one() {
    let sandbox = sandbox(1).await;
    let source = main_of("import asyncio\nawait asyncio.sleep(0.2)\nreturn 1");
    let outcomes = join_all((0..200).map(|_| run(&sandbox, &source))).await;
    for outcome in outcomes {
        outcome.result.expect("there was a place in the end");
    }
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_cancelled_in_the_worker() {
    let (sandbox, folder) = own_sandbox(1).await;
    let spinning = spin(&sandbox, 25);
    eventually("the loop runs", || sandbox.status().running_calls == 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    spinning.abort();
    eventually("its place is free", || sandbox.status().running_calls == 0).await;
    assert_works(&sandbox).await;
    let [worker] = processes_in(folder.path())[..] else { panic!("one worker") };
    let before = processor_time(worker);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(processor_time(worker) - before < 10, "the worker is idle");
}

/// In hundredths of a second.
fn processor_time(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it is there");
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let number = |index: usize| fields[index].parse::<u64>().expect("a number");
    number(11) + number(12)
}

#[tokio::test]
async fn stopping_leaves_no_worker_and_refuses_calls() {
    let (sandbox, folder) = own_sandbox(2).await;
    assert_eq!((sandbox.status().workers, sandbox.status().ready), (2, 2));
    assert_works(&sandbox).await;
    let spinning = spin(&sandbox, 25);
    eventually("the loop runs", || sandbox.status().running_calls == 1).await;
    sandbox.stop().await;
    assert!(spinning.await.expect("the call ends").result.is_err());
    assert!(processes_in(folder.path()).is_empty());
    let refused = run(&sandbox, &main_of("return 1")).await.result;
    assert_eq!(refused.expect_err("it has stopped").kind, FailureKind::Cancelled);
}

#[tokio::test]
async fn dropping_the_sandbox_leaves_no_worker() {
    let (sandbox, folder) = own_sandbox(1).await;
    assert_works(&sandbox).await;
    drop(sandbox);
    eventually("the workers are gone", || processes_in(folder.path()).is_empty()).await;
}

const PARENT_FOLDER: &str = "SANDBOX_TEST_PARENT_FOLDER";

/// Not a test: what the next one starts as another process, to kill it.
#[tokio::test]
#[ignore = "run as a process of its own by the next test"]
async fn parent() {
    let folder = PathBuf::from(std::env::var_os(PARENT_FOLDER).expect("the folder"));
    let sandbox = Sandbox::start(own_config(2, &folder)).await.expect("it starts");
    assert_works(&sandbox).await;
    spin(&sandbox, 60).await.expect("it is killed before");
}

#[tokio::test]
async fn a_killed_server_leaves_no_worker() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut parent = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "workers::parent", "--ignored", "--nocapture"])
        .env(PARENT_FOLDER, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    eventually("both workers run", || processes_in(folder.path()).len() == 2).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(processes_in(folder.path()).len(), 2);
    parent.kill().expect("it can be killed");
    parent.wait().expect("it is gone");
    eventually("no worker is left", || processes_in(folder.path()).is_empty()).await;
}
