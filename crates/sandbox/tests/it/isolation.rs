//! Nothing of one call is readable in another, and nothing of the host in any.

use std::collections::HashSet;

use sandbox::{FailureKind, Limits, Run, Secrets};

use crate::{assert_works, main_of, run, sandbox, tool};

#[tokio::test]
async fn what_one_call_leaves_behind_no_other_finds() {
    let sandbox = sandbox(1).await;
    let source = "import json\nasync def main():\n    seen = getattr(json, 'mark', None)\n    json.mark = 'secret-marker'\n    return seen\n";
    for _ in 0..10 {
        let outcome = run(&sandbox, source).await;
        assert_eq!(outcome.result.expect("the tool runs"), "null");
    }
}

#[tokio::test]
async fn memory_that_one_call_has_filled_is_empty_for_the_next() {
    let sandbox = sandbox(1).await;
    let fill = main_of("kept = [b'marker' * 1_000_000 for _ in range(20)]\nreturn len(kept)");
    // Memory that the guest's allocator takes to be fresh, it does not clear itself.
    let look = main_of("return bytearray(120_000_000).count(0)");
    for _ in 0..3 {
        assert_eq!(run(&sandbox, &fill).await.result.expect("the tool runs"), "20");
        assert_eq!(run(&sandbox, &look).await.result.expect("the tool runs"), "120000000");
    }
}

#[tokio::test]
async fn randomness_differs_between_calls() {
    let sandbox = sandbox(1).await;
    let source =
        "import random, uuid\nasync def main():\n    return f'{random.random()} {uuid.uuid4()}'\n";
    let mut seen = HashSet::new();
    for _ in 0..5 {
        seen.insert(run(&sandbox, source).await.result.expect("the tool runs"));
    }
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn the_host_has_no_file_no_folder_and_no_socket_for_a_guest() {
    let sandbox = sandbox(1).await;
    for body in ["open('/etc/passwd')", "open('/proc/self/environ')", "open('x', 'w')"] {
        let failure = run(&sandbox, &main_of(body)).await.result.expect_err("there is no file");
        assert_eq!(failure.kind, FailureKind::Exception, "{failure:?}");
    }
    let body = "import io\nfile = io.StringIO('text')\nreturn file.read()";
    assert_eq!(
        run(&sandbox, &main_of(body)).await.result.expect("files in memory work"),
        "\"text\""
    );
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn arguments_and_secrets_reach_their_own_call() {
    let sandbox = sandbox(1).await;
    let source = "async def main(a: int, b: str = 'x'):\n    return [a, b, secrets['KEY']]\n";
    let values = [("KEY".to_owned(), "value".to_owned())].into();
    let outcome = sandbox
        .run(
            Run {
                arguments: r#"{"a": 7}"#.to_owned().into(),
                secrets: Secrets { values, ..Secrets::default() },
                limits: Limits::default(),
                ..tool(source)
            },
            std::sync::Arc::new(sandbox::NoHost),
        )
        .await;
    let value: serde_json::Value =
        serde_json::from_str(&outcome.result.expect("the tool runs")).expect("JSON");
    assert_eq!(value, serde_json::json!([7, "x", "value"]));
    let without = run(&sandbox, "async def main():\n    return list(secrets)\n").await;
    assert_eq!(without.result.expect("the tool runs"), "[]");
}
