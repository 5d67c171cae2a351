//! Tools that break a limit get an error that names it, and the next call works.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sandbox::{FailureKind, Limits, ModulePolicy, NoHost, Run, Sandbox};

use crate::{GROUP, assert_works, main_of, run, sandbox, tool};

/// Each with a part of the message.
const BREAKERS: &[(&str, FailureKind, &str)] = &[
    ("while True:\n    pass", FailureKind::Cpu, "processor time"),
    (
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
        FailureKind::Cpu,
        "processor time",
    ),
    ("import re\nre.match('(a+)+$', 'a' * 40 + 'b')", FailureKind::Cpu, "processor time"),
    (
        "kept = []\nwhile True:\n    kept.append(bytearray(10_000_000))",
        FailureKind::Memory,
        "256 MB",
    ),
    ("return 'x' * 2 ** 30", FailureKind::Memory, "256 MB"),
    (
        "def deeper(n):\n    return deeper(n + 1)\ndeeper(0)",
        FailureKind::Recursion,
        "RecursionError",
    ),
    (
        "class Deep:\n    def __repr__(self):\n        return repr(self)\nrepr(Deep())",
        FailureKind::Recursion,
        "deep",
    ),
    ("raise SystemExit(3)", FailureKind::Exit, ""),
    ("return 'x' * 40_000_000", FailureKind::ResultTooLarge, ""),
    ("return object()", FailureKind::NotSerializable, ""),
    ("raise ValueError('boom')", FailureKind::Exception, "boom"),
    (
        "class Evil(Exception):\n    def __str__(self):\n        raise RuntimeError('no text')\nraise Evil()",
        FailureKind::Exception,
        "Evil",
    ),
    ("import asyncio\nawait asyncio.get_running_loop().create_future()", FailureKind::Deadlock, ""),
    ("import asyncio\nawait asyncio.sleep(60)", FailureKind::WallClock, "timeout_ms"),
];

/// Only the limit in question is short: the machine may have other things to do meanwhile.
fn tight(kind: FailureKind) -> Limits {
    let limits = Limits::default();
    match kind {
        FailureKind::Cpu => Limits { cpu: Duration::from_millis(500), ..limits },
        FailureKind::WallClock => Limits { wall: Duration::from_secs(2), ..limits },
        _ => limits,
    }
}

#[tokio::test]
async fn every_limit_is_enforced_named_and_survived() {
    let sandbox = sandbox(1).await;
    for (body, kind, text) in BREAKERS {
        let source = main_of(body);
        let limits = tight(*kind);
        let outcome = sandbox.run(Run { limits, ..tool(&source) }, Arc::new(NoHost)).await;
        let failure = outcome.result.expect_err(body);
        assert_eq!(failure.kind, *kind, "{body}: {failure:?}");
        assert!(failure.message.contains(text), "{body}: {failure:?}");
        assert!(!failure.message.is_empty() && !failure.message.contains('\n'), "{failure:?}");
        assert_works(&sandbox).await;
        assert_unmarked(&sandbox).await;
    }
}

/// A limit that one call met leaves the next one all of its own.
async fn assert_unmarked(sandbox: &Sandbox) {
    let body = "kept = bytearray(150_000_000)\n\
                def deeper(n):\n    return n if n == 500 else deeper(n + 1)\n\
                return [deeper(0), len('x' * 900_000), kept.count(0)]";
    let outcome = run(sandbox, &main_of(body)).await;
    let all = outcome.result.expect("all of it is within the limits");
    assert_eq!(all, "[500, 900000, 150000000]");
    assert!(!outcome.stdout_truncated && outcome.stdout.is_empty());
}

#[tokio::test]
async fn source_of_the_greatest_length_runs_and_longer_source_does_not() {
    let sandbox = sandbox(1).await;
    let main = main_of("return 1");
    let of_length = |length: usize| format!("{main}#{}", "x".repeat(length - main.len() - 1));
    let longest = of_length(Limits::SOURCE_MAX);
    assert_eq!(run(&sandbox, &longest).await.result.expect("it is just as long"), "1");
    assert!(
        sandbox
            .inspect(&longest, &ModulePolicy::default(), None, GROUP)
            .await
            .expect("it is just as long")
            .valid
    );
    let too_long = of_length(Limits::SOURCE_MAX + 1);
    let failures = [
        run(&sandbox, &too_long).await.result.map(drop),
        sandbox.inspect(&too_long, &ModulePolicy::default(), None, GROUP).await.map(drop),
    ];
    for failure in failures {
        let failure = failure.expect_err("it is too long");
        assert_eq!(failure.kind, FailureKind::SourceTooLarge);
        assert!(failure.message.contains("100001") && failure.message.contains("100000"));
    }
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn a_loop_ends_close_to_its_limit_and_its_output_is_kept() {
    let sandbox = sandbox(1).await;
    let source = main_of("print('before the loop')\nwhile True:\n    pass");
    assert_works(&sandbox).await;
    let limits = Limits { cpu: Duration::from_millis(300), ..Limits::default() };
    let began = Instant::now();
    let outcome = sandbox.run(Run { limits, ..tool(&source) }, Arc::new(NoHost)).await;
    assert_eq!(outcome.result.expect_err("the loop is stopped").kind, FailureKind::Cpu);
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(outcome.used.cpu >= Duration::from_millis(300), "{:?}", outcome.used.cpu);
    assert!(outcome.used.cpu < Duration::from_millis(600), "{:?}", outcome.used.cpu);
    assert_eq!(outcome.stdout, "before the loop\n");
}

#[tokio::test]
async fn ten_megabytes_of_output_are_cut_and_said_to_be() {
    let sandbox = sandbox(1).await;
    let outcome =
        run(&sandbox, &main_of("for _ in range(1000):\n    print('ñ' * 5000)\nreturn 1")).await;
    assert_eq!(outcome.result.expect("output is no error"), "1");
    assert!(outcome.stdout_truncated);
    assert!(outcome.stdout.len() <= 1 << 20 && outcome.stdout.len() > (1 << 20) - 2);
    assert!(outcome.stdout.chars().all(|letter| letter == 'ñ' || letter == '\n'));
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn a_smaller_limit_of_memory_holds_and_a_fitting_tool_runs_in_it() {
    let sandbox = sandbox(1).await;
    let limits = Limits { memory_bytes: 64 << 20, ..Limits::default() };
    let large = Run { limits, ..tool(&main_of("return len(bytearray(60_000_000))")) };
    let failure = sandbox.run(large, Arc::new(NoHost)).await.result.expect_err("too much");
    assert_eq!(failure.kind, FailureKind::Memory);
    assert!(failure.message.contains("64 MB"), "{failure:?}");
    let small = Run { limits, ..tool(&main_of("return len(bytearray(1_000_000))")) };
    let fitting = sandbox.run(small, Arc::new(NoHost)).await;
    assert_eq!(fitting.result.expect("one megabyte fits"), "1000000");
}

#[tokio::test]
async fn source_that_cannot_run_says_where() {
    let sandbox = sandbox(1).await;
    let failure = run(&sandbox, "async def main():\n    return (1 +\n").await.result;
    let failure = failure.expect_err("it does not parse");
    assert_eq!(failure.kind, FailureKind::Syntax);
    assert!(failure.message.contains("line 2"), "{failure:?}");
    let failure = run(&sandbox, "def main():\n    return 1\n").await.result;
    assert_eq!(failure.expect_err("main is not async").kind, FailureKind::NoMain);
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn arguments_that_are_far_too_long_are_refused_and_long_ones_pass() {
    let sandbox = sandbox(1).await;
    let source = "async def main(text: str):\n    return len(text)\n";
    let of_length = |length: usize| Run {
        arguments: serde_json::json!({ "text": "x".repeat(length) }).to_string().into(),
        ..tool(source)
    };
    let passed = sandbox.run(of_length(5_000_000), Arc::new(NoHost)).await;
    assert_eq!(passed.result.expect("five megabytes pass"), "5000000");
    let refused = sandbox.run(of_length(80_000_000), Arc::new(NoHost)).await;
    assert_eq!(refused.result.expect_err("eighty do not").kind, FailureKind::Arguments);
    let endless = Limits { wall: Duration::MAX, cpu: Duration::MAX, ..Limits::default() };
    let run = Run { limits: endless, ..of_length(1) };
    assert!(sandbox.run(run, Arc::new(NoHost)).await.result.is_ok());
}
