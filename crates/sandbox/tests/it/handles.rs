//! Handles: requests to the host and the interpreter's own resources, counted together.

use std::sync::Arc;

use sandbox::{FailureKind, Limits, Run};

use crate::host::{TestHost, ask, asking};
use crate::{assert_works, sandbox};

#[tokio::test]
async fn as_many_requests_as_there_are_handles_are_answered_and_the_next_one_raises() {
    let sandbox = sandbox(1).await;
    let host = Arc::new(TestHost::default());
    let gather = |count: usize| {
        asking(&format!(
            "answers = await asyncio.gather(*(call('slow', b'') for _ in range({count})), return_exceptions=True)\n\
             return [str(answer) for answer in answers if isinstance(answer, Exception)]"
        ))
    };
    let outcome = ask(&sandbox, gather(Limits::HANDLES_MAX), &host).await;
    assert_eq!(outcome.result.expect("each of them has a handle"), "[]");
    let outcome = ask(&sandbox, gather(Limits::HANDLES_MAX + 2), &host).await;
    let refused: Vec<String> =
        serde_json::from_str(&outcome.result.expect("the tool goes on")).expect("a list");
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|text| text.contains("256 handles are open")), "{refused:?}");
    let again = "await asyncio.gather(*(call('echo', b'') for _ in range(200)))\n";
    let outcome = ask(&sandbox, asking(&format!("{}return 1", again.repeat(3))), &host).await;
    assert_eq!(outcome.result.expect("handles are given back"), "1");
    let uncaught = "await asyncio.gather(*(call('slow', b'') for _ in range(300)))";
    let failure = ask(&sandbox, asking(uncaught), &host).await.result.expect_err("it raises");
    assert_eq!(failure.kind, FailureKind::Handles, "{failure:?}");
    assert_works(&sandbox).await;
}

/// Begins requests, and returns how many were refused. The first thing that is ever printed needs a
/// handle of the interpreter's own.
fn holding(requests: usize, before: &str, meanwhile: &str) -> Run {
    asking(&format!(
        "{before}\nrequests = [asyncio.ensure_future(call('slow', b'')) for _ in range({requests})]\n\
         await asyncio.sleep(0)\n{meanwhile}\n\
         answers = await asyncio.gather(*requests, return_exceptions=True)\n\
         return sum(isinstance(answer, Exception) for answer in answers)"
    ))
}

#[tokio::test]
async fn the_interpreters_own_resources_take_from_the_same_handles() {
    let sandbox = sandbox(1).await;
    let host = Arc::new(TestHost::default());
    let (most, print) = (Limits::HANDLES_MAX, "print('hello', flush=True)");
    for (requests, before, meanwhile) in
        [(most, "", ""), (most - 10, print, ""), (most - 10, "", print)]
    {
        let outcome = ask(&sandbox, holding(requests, before, meanwhile), &host).await;
        assert_eq!(outcome.result.expect("all of them have a handle"), "0");
    }
    let outcome = ask(&sandbox, holding(most, print, ""), &host).await;
    let refused: usize = outcome.result.expect("the tool goes on").parse().expect("a number");
    assert!((1..10).contains(&refused), "{refused}");
    let failure = ask(&sandbox, holding(most, "", print), &host).await.result;
    let failure = failure.expect_err("none is left to print with");
    assert_eq!(failure.kind, FailureKind::Handles, "{failure:?}");
    assert!(failure.message.contains("256 handles are open"), "{failure:?}");
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn a_flood_of_refused_requests_ends_the_call() {
    let sandbox = sandbox(1).await;
    let host = Arc::new(TestHost::default());
    let flood = |count: usize| {
        asking(&format!(
            "answers = await asyncio.gather(*(call('slow', b'') for _ in range({count})), return_exceptions=True)\n\
             return len(answers)"
        ))
    };
    let outcome = ask(&sandbox, flood(4000), &host).await;
    assert_eq!(outcome.result.expect("most are refused, and that is all"), "4000");
    let failure = ask(&sandbox, flood(10_000), &host).await.result.expect_err("it is stopped");
    assert_eq!(failure.kind, FailureKind::Handles, "{failure:?}");
    assert_works(&sandbox).await;
}
