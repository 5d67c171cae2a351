//! What a tool's signature promises, and what calls make of it, said by the same words.

use std::sync::Arc;

use sandbox::{Failure, FailureKind, NoHost, Run, Sandbox};

use crate::{main_of, run, sandbox, tool};

async fn call(sandbox: &Sandbox, source: &str, arguments: &str) -> Result<String, Failure> {
    let run = Run { arguments: arguments.to_owned().into(), ..tool(source) };
    sandbox.run(run, Arc::new(NoHost)).await.result
}

/// Whether a call is refused because of its arguments, with these texts.
async fn assert_refused(sandbox: &Sandbox, source: &str, arguments: &str, texts: &[&str]) {
    let failure = call(sandbox, source, arguments).await.expect_err(arguments);
    assert_eq!(failure.kind, FailureKind::Arguments, "{arguments}: {failure:?}");
    for text in texts {
        assert!(failure.message.contains(text), "{arguments}: {text}: {failure:?}");
    }
}

#[tokio::test]
async fn an_integer_that_clients_cannot_read_breaks_a_promise_and_no_other() {
    let sandbox = sandbox(1).await;
    let promising = "async def main(n: int) -> dict[str, int]:\n    return {'v': -10**n}\n";
    let result = call(&sandbox, promising, r#"{"n": 4299}"#).await.expect("4,300 digits");
    assert_eq!(result, format!(r#"{{"v": -1{}}}"#, "0".repeat(4_299)));
    let failure = call(&sandbox, promising, r#"{"n": 4300}"#).await.expect_err("a digit more");
    assert_eq!(failure.kind, FailureKind::ReturnType, "{failure:?}");
    for text in ["at result.v:", "at most 4,300 digits", "return a text"] {
        assert!(failure.message.contains(text), "{failure:?}");
    }
    let silent = "async def main(n: int) -> dict:\n    return {'v': 10**n}\n";
    assert!(call(&sandbox, silent, r#"{"n": 4300}"#).await.is_ok());
}

#[tokio::test]
async fn arguments_that_no_number_can_hold_are_too_large_or_none() {
    let sandbox = sandbox(1).await;
    let source = "from decimal import Decimal\n\
                  async def main(f: float = 0, i: int = 0, d: Decimal = Decimal(0)):\n    return [f, i, d]\n";
    let fits = call(&sandbox, source, r#"{"f": 1e308, "i": 2.0, "d": "-1.5E+3"}"#).await;
    assert_eq!(fits.expect("they fit"), r#"[1e+308, 2, "-1.5E+3"]"#);
    let long = format!(r#"{{"f": 1{}}}"#, "0".repeat(400));
    assert_refused(&sandbox, source, &long, &["argument f", "a number", "too large"]).await;
    assert_refused(&sandbox, source, r#"{"f": 1e400}"#, &["argument f", "too large"]).await;
    for written in ["NaN", "sNaN", "-Infinity", "inf"] {
        let arguments = format!(r#"{{"d": "{written}"}}"#);
        assert_refused(&sandbox, source, &arguments, &["argument d", "'12.50'", written]).await;
    }
}

#[tokio::test]
async fn an_unknown_name_is_told_beside_a_missing_one_and_a_similar_one_asked_for() {
    let sandbox = sandbox(1).await;
    let source = "async def main(*, f: int, maxItems: int = 1):\n    return f\n";
    assert_eq!(call(&sandbox, source, r#"{"f": 3}"#).await.expect("it fits"), "3");
    let texts = ["missing argument 'f'", "unknown argument 'F'", "did you mean 'f'?", "main takes"];
    assert_refused(&sandbox, source, r#"{"F": 3}"#, &texts).await;
    let arguments = r#"{"f": 3, "max_items": 2}"#;
    assert_refused(&sandbox, source, arguments, &["did you mean 'maxItems'?"]).await;
    let failure = call(&sandbox, source, r#"{"f": 3, "colour": 1}"#).await.expect_err("unknown");
    assert!(!failure.message.contains("did you mean"), "{failure:?}");
}

#[tokio::test]
async fn results_that_would_lose_something_say_where_and_what_to_do() {
    let sandbox = sandbox(1).await;
    for (returned, text) in [
        (
            r#"{"rows": [{"ok": 1}, {"name": "a\ud800b"}]}"#,
            r"result['rows'][1]['name'] holds '\ud800', half of a surrogate pair",
        ),
        (r#"[{"a\ud800": 1}]"#, r"result[0]: the name 'a\ud800' holds"),
        (r#"[{1: "a", "1": "b"}]"#, "result[0] has the keys 1 and '1', which are the same name"),
        (r#"{None: 1, "null": 2}"#, "the keys None and 'null'"),
        ("{b: 1, str(b): 2}", "the same name"),
        ("io.BytesIO(b'x')", "return its getvalue()"),
        ("io.StringIO('x')", "return its getvalue()"),
        ("iter([1])", "make it a list first"),
        ("made()", "collect what it yields in a list"),
    ] {
        let source = format!(
            "import io, uuid\nb = uuid.UUID(int=1)\nasync def made():\n    yield 1\n{}",
            main_of(&format!("return {returned}"))
        );
        let failure = run(&sandbox, &source).await.result.expect_err(returned);
        assert_eq!(failure.kind, FailureKind::NotSerializable, "{failure:?}");
        assert!(failure.message.contains(text), "{returned}: {failure:?}");
    }
    let source = main_of(r#"return {"1": [{"2": "\ud83d\ude00"}], 3: {True: 1, "True": 2}}"#);
    let failure = run(&sandbox, &source).await.result.expect_err("two halves are no whole");
    assert!(failure.message.contains("surrogate"), "{failure:?}");
    let source = main_of(r#"return {"1": [{"2": "é"}], 3: {True: 1, "True": 2}}"#);
    let result = run(&sandbox, &source).await.result.expect("all names differ");
    assert_eq!(result, r#"{"1": [{"2": "é"}], "3": {"true": 1, "True": 2}}"#);
}
