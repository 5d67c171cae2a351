//! Many calls at once: places, memory and processor time are shared between groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use sandbox::{
    Bounds, Config, Failure, FailureKind, Limits, ModulePolicy, NoHost, Run, Sandbox, StartError,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::host::{TestHost, ask, asking};
use crate::{GROUP, assert_works, config, eventually, main_of, run, shared_folder, tool};

const OTHER: Uuid = Uuid::from_u128(2);
const SLEEP: &str = "import asyncio\nawait asyncio.sleep(60)";

async fn bounded(workers: usize, bounds: Bounds) -> Sandbox {
    let config = Config { bounds, ..config(workers, shared_folder()) };
    Sandbox::start(config).await.expect("the sandbox starts")
}

fn of_group(group: Uuid, body: &str) -> Run {
    let limits = Limits { wall: Duration::from_mins(5), ..Limits::default() };
    Run { group, limits, ..tool(&main_of(body)) }
}

/// Begins calls that go on until the set is dropped, and counts those that end.
fn begin(
    sandbox: &Sandbox,
    count: usize,
    run: &Run,
) -> (JoinSet<Result<String, Failure>>, Arc<AtomicUsize>) {
    let ended = Arc::new(AtomicUsize::new(0));
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let (sandbox, run, ended) = (sandbox.clone(), run.clone(), Arc::clone(&ended));
        calls.spawn(async move {
            let outcome = sandbox.run(run, Arc::new(NoHost)).await;
            ended.fetch_add(1, Ordering::SeqCst);
            outcome.result
        });
    }
    (calls, ended)
}

async fn call(sandbox: &Sandbox, run: Run) -> Result<String, Failure> {
    sandbox.run(run, Arc::new(NoHost)).await.result
}

#[tokio::test]
async fn one_worker_carries_all_the_calls_there_may_be() {
    let bounds = Bounds { memory_bytes: 4 << 30, ..Bounds::default() };
    let sandbox = bounded(1, bounds).await;
    let (mut calls, _) =
        begin(&sandbox, 512, &of_group(GROUP, "import asyncio\nawait asyncio.sleep(3)\nreturn 1"));
    eventually("all of them run", || sandbox.status().running_calls == 512).await;
    while let Some(ended) = calls.join_next().await {
        assert_eq!(ended.expect("it ends").expect("it had a place"), "1");
    }
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn more_than_may_run_wait_more_than_may_wait_are_refused_and_each_is_told() {
    let bounds = Bounds { calls: 3, calls_per_group: 2, waiting: 2, ..Bounds::default() };
    let sandbox = bounded(1, bounds).await;
    let (mut first, _) = begin(&sandbox, 2, &of_group(GROUP, SLEEP));
    eventually("two run", || sandbox.status().running_calls == 2).await;
    let (second, _) = begin(&sandbox, 1, &of_group(GROUP, "return 1"));
    eventually("the third waits", || sandbox.status().waiting_calls == 1).await;
    assert_eq!(call(&sandbox, of_group(OTHER, "return 2")).await.expect("it has a place"), "2");
    let (third, _) = begin(&sandbox, 1, &of_group(GROUP, "return 3"));
    eventually("the fourth waits", || sandbox.status().waiting_calls == 2).await;
    let refused = call(&sandbox, of_group(GROUP, "return 4")).await.expect_err("too many wait");
    assert_eq!(refused.kind, FailureKind::Busy);
    assert!(
        refused.message.contains("2 calls run") && refused.message.contains("2 wait"),
        "{refused}"
    );
    let refused = sandbox
        .inspect("async def main():\n    pass\n", &ModulePolicy::default(), None, GROUP)
        .await;
    assert_eq!(refused.expect_err("inspections count too").kind, FailureKind::Busy);
    first.shutdown().await;
    for mut calls in [second, third] {
        calls.join_next().await.expect("one").expect("it ends").expect("a place came free");
    }
    assert_eq!((sandbox.status().running_calls, sandbox.status().waiting_calls), (0, 0));
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn who_waits_in_vain_is_told_that_too() {
    let sandbox = bounded(1, Bounds { calls: 1, ..Bounds::default() }).await;
    let (_sleeping, _) = begin(&sandbox, 1, &of_group(GROUP, SLEEP));
    eventually("it runs", || sandbox.status().running_calls == 1).await;
    let refused = call(&sandbox, of_group(OTHER, "return 1")).await.expect_err("no place");
    assert_eq!(refused.kind, FailureKind::Busy);
    assert!(refused.message.contains("within 10 s"), "{refused}");
    assert_eq!(sandbox.status().waiting_calls, 0);
}

#[tokio::test]
async fn a_server_with_many_waiting_calls_does_not_hold_back_another() {
    let sandbox = bounded(1, Bounds { calls: 2, ..Bounds::default() }).await;
    let short = of_group(GROUP, "import asyncio\nawait asyncio.sleep(0.02)\nreturn 1");
    let (mut many, ended) = begin(&sandbox, 150, &short);
    eventually("most of them wait", || sandbox.status().waiting_calls > 100).await;
    let before = ended.load(Ordering::SeqCst);
    call(&sandbox, of_group(OTHER, "return 2")).await.expect("it has its turn");
    let meanwhile = ended.load(Ordering::SeqCst) - before;
    assert!(meanwhile < 20, "{meanwhile} of the other server went first");
    while let Some(ended) = many.join_next().await {
        ended.expect("it ends").expect("it has its turn as well");
    }
}

const WORK: &str = "total = 0\nfor n in range(1_500_000):\n    total += n\nreturn total";

#[tokio::test]
async fn a_call_gets_its_part_of_the_processor_beside_64_of_another_server() {
    let sandbox = bounded(1, Bounds::default()).await;
    call(&sandbox, of_group(GROUP, WORK)).await.expect("it works alone");
    let (mut many, ended) = begin(&sandbox, 64, &of_group(GROUP, WORK));
    eventually("all of them run", || sandbox.status().running_calls == 64).await;
    call(&sandbox, of_group(OTHER, WORK)).await.expect("it comes to its end");
    let meanwhile = ended.load(Ordering::SeqCst);
    assert!(meanwhile < 16, "with the same work to do, {meanwhile} of 64 were ready first");
    many.shutdown().await;
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn a_long_inspection_gives_others_their_turn() {
    let sandbox = bounded(1, Bounds::default()).await;
    let lines = "f(1, 2)\n".repeat(4_000);
    let source = format!("def f(n, m): pass\nasync def main(): pass\n{lines}");
    let other = sandbox.clone();
    let inspecting = tokio::spawn(async move {
        let modules = ModulePolicy::default();
        let all = (0..8).map(|_| other.inspect(&source, &modules, None, GROUP));
        let inspections = join_all(all).await;
        inspections.into_iter().flatten().count()
    });
    eventually("they run", || sandbox.status().running_calls == 8).await;
    call(&sandbox, of_group(OTHER, "return 2")).await.expect("it has its turn");
    assert!(!inspecting.is_finished(), "a short call does not wait for long ones");
    assert!(inspecting.await.expect("they end") > 0, "the long ones come to their end");
}

#[tokio::test]
async fn growth_beyond_the_memory_of_all_calls_is_refused_and_the_next_call_has_it_again() {
    let sandbox = bounded(1, Bounds { memory_bytes: 128 << 20, ..Bounds::default() }).await;
    let hold = "import asyncio\nkept = bytearray(60_000_000)\nawait asyncio.sleep(60)";
    let (mut holding, _) = begin(&sandbox, 1, &of_group(GROUP, hold));
    eventually("it holds memory", || sandbox.status().memory_bytes > 60_000_000).await;
    let grow = of_group(
        OTHER,
        "try:\n    return len(bytearray(100_000_000))\nexcept MemoryError:\n    return 'caught'",
    );
    let refused = call(&sandbox, grow.clone()).await.expect_err("there is not so much left");
    assert_eq!(refused.kind, FailureKind::Busy, "{refused:?}");
    assert!(
        refused.message.contains("128 MB") && refused.message.contains("--call-memory"),
        "{refused}"
    );
    assert_works(&sandbox).await;
    holding.shutdown().await;
    eventually("it is given back", || sandbox.status().memory_bytes < 1 << 20).await;
    assert_eq!(call(&sandbox, grow).await.expect("it fits now"), "100000000");
}

#[tokio::test]
async fn calls_for_which_there_is_no_memory_wait_for_it() {
    let sandbox = bounded(1, Bounds { memory_bytes: 32 << 20, ..Bounds::default() }).await;
    let short = of_group(GROUP, "import asyncio\nawait asyncio.sleep(0.3)\nreturn 1");
    let (mut calls, _) = begin(&sandbox, 30, &short);
    eventually("what fits runs", || sandbox.status().running_calls == 16).await;
    assert_eq!(sandbox.status().memory_bytes, 32 << 20);
    while let Some(ended) = calls.join_next().await {
        assert_eq!(ended.expect("it ends").expect("there was memory in the end"), "1");
    }
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn memory_that_is_really_used_counts_where_a_call_is_charged_for_less() {
    let sandbox = bounded(1, Bounds { memory_bytes: 48 << 20, ..Bounds::default() }).await;
    // Answers that the guest does not collect are kept by its worker.
    let body = "import time\nrequests = [asyncio.ensure_future(call('large', b'')) for _ in range(4)]\n\
                await asyncio.sleep(0)\ntime.sleep(60)";
    let limits = Limits { wall: Duration::from_mins(5), ..Limits::default() };
    let (heavy, host) = (Run { limits, ..asking(body) }, Arc::new(TestHost::default()));
    let other = sandbox.clone();
    let holding = tokio::spawn(async move { ask(&other, heavy, &host).await });
    let mut waited = 0;
    for _ in 0..50 {
        let (mut one_more, _) = begin(&sandbox, 1, &of_group(OTHER, SLEEP));
        tokio::time::sleep(Duration::from_millis(200)).await;
        let status = sandbox.status();
        if status.memory_bytes + Bounds::CALL_BYTES <= status.bounds.memory_bytes {
            waited += status.waiting_calls;
        }
        one_more.shutdown().await;
        if waited > 0 {
            break;
        }
    }
    assert!(!holding.is_finished(), "{:?}", holding.await);
    assert!(waited > 0, "there would be room by what is charged");
    holding.abort();
    eventually("it is gone", || sandbox.status().running_calls == 0).await;
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn hundreds_of_loops_are_all_ended_in_time() {
    let bounds = Bounds { memory_bytes: 2 << 30, ..Bounds::default() };
    let sandbox = bounded(1, bounds).await;
    let limits = Limits { wall: Duration::from_secs(5), ..Limits::default() };
    let (mut loops, _) =
        begin(&sandbox, 400, &Run { limits, ..tool(&main_of("while True:\n    pass")) });
    while let Some(ended) = loops.join_next().await {
        let failure = ended.expect("it ends").expect_err("it loops");
        assert_eq!(failure.kind, FailureKind::WallClock, "{failure:?}");
    }
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn bounds_that_cannot_be_kept_are_refused_at_the_start() {
    for (bounds, text) in [
        (Bounds { calls: 1025, ..Bounds::default() }, "at most 1024"),
        (Bounds { calls: 0, ..Bounds::default() }, "at least one call"),
        (Bounds { memory_bytes: 63 << 20, ..Bounds::default() }, "at least 64 MB"),
    ] {
        let config = Config { bounds, ..config(2, shared_folder()) };
        let refused = Sandbox::start(config).await.map(drop).expect_err("it cannot be");
        assert!(
            matches!(&refused, StartError::Config(message) if message.contains(text)),
            "{refused}"
        );
    }
    let bounds = Bounds { calls: 1024, memory_bytes: 64 << 20, ..Bounds::default() };
    let sandbox = bounded(2, bounds).await;
    assert_eq!(sandbox.status().bounds, bounds);
    assert!(run(&sandbox, &main_of("return 1")).await.result.is_ok());
}
