//! Worker processes: shared fairly, replaced when lost, gone when their server is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use sandbox::{FailureKind, Limits, NoHost, Run, Sandbox};
use tempfile::TempDir;

use crate::{assert_works, config, eventually, main_of, run, sandbox, tool};

/// A sandbox whose workers can be told from those of other tests by the folder they run in.
async fn own_sandbox(workers: usize) -> (Sandbox, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = Sandbox::start(config(workers, folder.path().to_owned())).await;
    (sandbox.expect("the sandbox starts"), folder)
}

/// The processes that run in `folder`.
fn processes_in(folder: &Path) -> Vec<u32> {
    let folder = folder.canonicalize().expect("the folder is there");
    let entries = std::fs::read_dir("/proc").expect("Linux").flatten();
    entries
        .filter_map(|entry| {
            let process = entry.file_name().to_str()?.parse().ok()?;
            (std::fs::read_link(entry.path().join("cwd")).ok()? == folder).then_some(process)
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

#[tokio::test]
async fn a_worker_that_hangs_is_given_up_and_replaced() {
    let (sandbox, folder) = own_sandbox(1).await;
    let [worker] = processes_in(folder.path())[..] else { panic!("one worker") };
    signal("-STOP", worker);
    let began = Instant::now();
    let limits = Limits { wall: Duration::from_secs(1), ..Limits::default() };
    let hanging = Run { limits, ..tool(&main_of("return 1")) };
    let outcome = sandbox.run(hanging, Arc::new(NoHost)).await;
    assert_eq!(outcome.result.expect_err("nobody answers").kind, FailureKind::WorkerLost);
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert_works(&sandbox).await;
    eventually("the hung process is gone", || !processes_in(folder.path()).contains(&worker)).await;
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
    let sandbox = Sandbox::start(config(2, folder)).await.expect("it starts");
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
