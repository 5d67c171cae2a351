//! Operations: a guest asks, the server decides, answers come when they come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sandbox::{Host, Limits, Operation, Outcome, Run, Sandbox};

use crate::{assert_works, run, sandbox, tool};

/// Echoes, waits, fails, or never answers; counts what was begun and what was given up.
#[derive(Default)]
pub(crate) struct TestHost {
    begun: AtomicUsize,
    given_up: Arc<AtomicUsize>,
}

struct CountedDrop(Arc<AtomicUsize>);

impl Drop for CountedDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Host for TestHost {
    fn start(&self, operation: &str, payload: Vec<u8>) -> Operation {
        self.begun.fetch_add(1, Ordering::SeqCst);
        match operation {
            "echo" => Box::pin(async { Ok(payload) }),
            "slow" => Box::pin(async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                Ok(payload)
            }),
            "large" => Box::pin(async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                Ok(vec![1; 15 << 20])
            }),
            "panic" => Box::pin(async { panic!("the operation is broken") }),
            "never" => {
                let counted = CountedDrop(Arc::clone(&self.given_up));
                Box::pin(async move {
                    let _counted = counted;
                    std::future::pending().await
                })
            }
            _ => Box::pin(async { Err("no such operation".to_owned()) }),
        }
    }
}

pub(crate) fn asking(body: &str) -> Run {
    let lines: Vec<String> = body.lines().map(|line| format!("    {line}\n")).collect();
    let source = format!(
        "import asyncio\nfrom mcpbox_host import call\nasync def main():\n{}",
        lines.concat()
    );
    tool(&source)
}

pub(crate) async fn ask(sandbox: &Sandbox, run: Run, host: &Arc<TestHost>) -> Outcome {
    sandbox.run(run, Arc::<TestHost>::clone(host)).await
}

#[tokio::test]
async fn an_operation_is_answered_refused_and_its_failure_told() {
    let sandbox = sandbox(1).await;
    let host = Arc::new(TestHost::default());
    let body = "answer = await call('echo', b'\\x00\\xff' * 3)\nreturn answer.hex()";
    let outcome = ask(&sandbox, asking(body), &host).await;
    assert_eq!(outcome.result.expect("the echo comes"), "\"00ff00ff00ff\"");
    let failure = ask(&sandbox, asking("await call('other', b'')"), &host).await.result;
    assert!(failure.expect_err("it is refused").message.contains("no such operation"));
    let failure = ask(&sandbox, asking("await call('panic', b'')"), &host).await.result;
    assert!(failure.expect_err("it fails").message.contains("server failed"));
    let refused = run(&sandbox, &asking("await call('echo', b'')").source).await.result;
    assert!(refused.expect_err("without a host").message.contains("'echo' is not available"));
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn large_payloads_pass_and_larger_ones_are_refused() {
    let sandbox = sandbox(1).await;
    let host = Arc::new(TestHost::default());
    let body = "return len(await call('echo', b'x' * 10_000_000))";
    let outcome = ask(&sandbox, asking(body), &host).await;
    assert_eq!(outcome.result.expect("ten megabytes pass"), "10000000");
    assert_eq!(host.begun.load(Ordering::SeqCst), 1);
    let body = "await call('echo', b'x' * 17_000_000)";
    let failure = ask(&sandbox, asking(body), &host).await.result;
    assert!(failure.expect_err("seventeen do not").message.contains("16 MB"));
    assert_eq!(host.begun.load(Ordering::SeqCst), 1, "the server never saw it");
}

#[tokio::test]
async fn operations_overlap() {
    let sandbox = sandbox(1).await;
    let body = "answers = await asyncio.gather(*(call('slow', bytes([n])) for n in range(20)))\n\
                return [answer[0] for answer in answers] == list(range(20))";
    let outcome = sandbox.run(asking(body), Arc::new(TestHost::default())).await;
    assert_eq!(outcome.result.expect("all come"), "true");
    assert!(outcome.wall < Duration::from_secs(3), "{:?}", outcome.wall);
}

#[tokio::test]
async fn an_operation_ends_when_the_guest_cancels_it_and_when_its_call_ends() {
    let sandbox = sandbox(1).await;
    let host = Arc::new(TestHost::default());
    let body = "try:\n    await asyncio.wait_for(call('never', b''), 0.05)\nexcept TimeoutError:\n    \
                await asyncio.sleep(0.3)\n    return 'in time'";
    let outcome = ask(&sandbox, asking(body), &host).await;
    assert_eq!(outcome.result.expect("the tool goes on"), "\"in time\"");
    assert_eq!(host.given_up.load(Ordering::SeqCst), 1);
    let limits = Limits { wall: Duration::from_millis(300), ..Limits::default() };
    let run = Run { limits, ..asking("await call('never', b'')") };
    assert!(ask(&sandbox, run, &host).await.result.is_err());
    assert_eq!(host.given_up.load(Ordering::SeqCst), 2);
    assert_works(&sandbox).await;
}
