//! Calls that wait for their clients: what counts, how many there are, and what is left of them.

use std::sync::Arc;
use std::time::Duration;

use sandbox::{Bounds, Config, FailureKind, Limits, Run, Sandbox};
use serde_json::json;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{Client, of, returned};
use crate::{assert_works, config, eventually, main_of, sandbox, shared_folder, tool};

#[tokio::test]
async fn time_of_waiting_for_the_client_does_not_count_and_other_time_does() {
    let sandbox = sandbox(1).await;
    let roots = [("roots-1", json!({"answer": {"roots": []}}))];
    let delay = Duration::from_millis(1_500);
    let client = Arc::new(Client { delay, ..Client::answering(&roots) });
    let limits = Limits { wall: Duration::from_secs(1), ..Limits::default() };
    let run = |body: &str| Run { limits, ..tool(&main_of(body)) };
    let outcome =
        sandbox.run(run("return await ctx.list_roots()"), Arc::<Client>::clone(&client)).await;
    assert_eq!(outcome.result.as_deref(), Ok("[]"));
    for body in [
        "import asyncio\nawait ctx.list_roots()\nawait asyncio.sleep(30)",
        "import asyncio\nasyncio.create_task(ctx.list_roots())\nwhile True: await asyncio.sleep(0)",
    ] {
        let outcome = sandbox.run(run(body), Arc::<Client>::clone(&client)).await;
        assert_eq!(outcome.result.expect_err("it ends").kind, FailureKind::WallClock, "{body}");
    }
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn questions_and_other_waiting_go_on_side_by_side() {
    let sandbox = sandbox(1).await;
    let roots = [("roots-1", json!({"answer": {"roots": []}}))];
    let client = Client { delay: Duration::from_millis(300), ..Client::answering(&roots) };
    let client = Arc::new(client);
    let body = "import asyncio\n\
                try:\n    async with asyncio.timeout(0.05):\n        await ctx.list_roots(key='never')\n\
                except TimeoutError:\n    pass\n\
                roots, _ = await asyncio.gather(ctx.list_roots(), asyncio.sleep(0.01))\n\
                return roots";
    assert_eq!(returned(&sandbox, body, &client).await, json!([]));
    let nothing = of(&sandbox, "import asyncio\nawait asyncio.Future()", &client).await;
    assert_eq!(nothing.result.expect_err("nothing comes").kind, FailureKind::Deadlock);
}

/// A sandbox in which so many calls may wait for their clients.
async fn where_few_may_ask(asking: usize, asking_per_group: usize) -> Sandbox {
    let bounds = Bounds { asking, asking_per_group, ..Bounds::default() };
    let config = Config { bounds, ..config(1, shared_folder()) };
    Sandbox::start(config).await.expect("the sandbox starts")
}

#[tokio::test]
async fn calls_that_wait_for_clients_are_bounded_and_hold_nobody_up() {
    let sandbox = where_few_may_ask(2, 1).await;
    let gate = Arc::new(Semaphore::new(0));
    let roots = [("roots-1", json!({"answer": {"roots": []}}))];
    let slow = Client { gate: Some(Arc::clone(&gate)), ..Client::answering(&roots) };
    let slow = Arc::new(slow);
    let asking = |group: u128| {
        let (sandbox, slow) = (sandbox.clone(), Arc::<Client>::clone(&slow));
        let run = Run {
            group: Uuid::from_u128(group),
            ..tool(&main_of("return await ctx.list_roots()"))
        };
        tokio::spawn(async move { sandbox.run(run, slow).await })
    };
    let first = asking(1);
    eventually("the first waits", || sandbox.status().asking_calls == 1).await;
    let refused = asking(1).await.expect("it ends").result.expect_err("one of its group waits");
    assert!(refused.message.contains("call again"), "{}", refused.message);
    let second = asking(2);
    eventually("the second waits", || sandbox.status().asking_calls == 2).await;
    let refused = asking(3).await.expect("it ends").result.expect_err("two wait");
    assert!(refused.message.contains("2 calls wait"), "{}", refused.message);
    assert_works(&sandbox).await;
    gate.add_permits(2);
    for waiting in [first, second] {
        assert_eq!(waiting.await.expect("it ends").result.as_deref(), Ok("[]"));
    }
    assert_eq!(sandbox.status().asking_calls, 0);
    gate.add_permits(1);
    assert_eq!(
        asking(1).await.expect("it ends").result.as_deref(),
        Ok("[]"),
        "there is room again"
    );
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_it_waits_leaves_nothing() {
    let sandbox = where_few_may_ask(1, 1).await;
    let gate = Arc::new(Semaphore::new(0));
    let slow = Arc::new(Client { gate: Some(gate), ..Client::default() });
    let call = {
        let (sandbox, slow) = (sandbox.clone(), Arc::<Client>::clone(&slow));
        let run = tool(&main_of("return await ctx.list_roots()"));
        tokio::spawn(async move { sandbox.run(run, slow).await })
    };
    eventually("it waits", || sandbox.status().asking_calls == 1).await;
    call.abort();
    eventually("it is gone", || {
        let status = sandbox.status();
        (status.asking_calls, status.running_calls) == (0, 0)
    })
    .await;
    let roots = [("roots-1", json!({"answer": {"roots": []}}))];
    let client = Arc::new(Client::answering(&roots));
    assert_eq!(returned(&sandbox, "return await ctx.list_roots()", &client).await, json!([]));
}
