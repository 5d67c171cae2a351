//! What inspecting a source finds, the guest's answer read by the server.

use sandbox::FailureKind;

use crate::{assert_works, sandbox};

#[tokio::test]
async fn a_tool_is_described_and_a_broken_one_located() {
    let sandbox = sandbox(1).await;
    let source =
        "async def main(name: str, count: int = 3) -> dict:\n    '''Greets.'''\n    return {}\n";
    let inspection = sandbox.inspect(source).await.expect("it can be inspected");
    assert!(inspection.valid && inspection.has_main, "{inspection:?}");
    let names: Vec<&str> = inspection.parameters.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["name", "count"]);
    assert_eq!(inspection.parameters[0].type_text.as_deref(), Some("str"));
    assert_eq!(inspection.doc.as_deref(), Some("Greets."));
    assert!(inspection.input_schema.is_some_and(|schema| schema["type"] == "object"));

    let inspection =
        sandbox.inspect("async def main(:\n    pass\n").await.expect("it is an answer");
    assert!(!inspection.valid);
    let error = inspection.error.expect("it says why");
    assert_eq!(error.line, Some(1));
    assert!(error.column.is_some() && !error.message.is_empty());

    let inspection = sandbox.inspect("x = 1\n").await.expect("it is an answer");
    assert!(!inspection.valid && !inspection.has_main);
    assert!(inspection.error.is_some());
}

#[tokio::test]
async fn source_that_is_deeply_nested_does_not_end_the_worker() {
    let sandbox = sandbox(1).await;
    let source =
        format!("async def main():\n    return {}1{}\n", "(".repeat(50_000), ")".repeat(50_000));
    match sandbox.inspect(&source).await {
        Ok(inspection) => assert!(!inspection.valid),
        Err(failure) => {
            assert!(
                matches!(failure.kind, FailureKind::Stack | FailureKind::Memory),
                "{failure:?}"
            );
        }
    }
    assert_works(&sandbox).await;
}
