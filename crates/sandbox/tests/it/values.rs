//! Arguments and results are held against the annotations of `main`, inside the guest.

use std::sync::Arc;

use sandbox::{Failure, FailureKind, NoHost, Run, Sandbox};

use crate::{run, sandbox, tool};

const CLASSES: &str = "
import dataclasses, datetime, decimal, enum
from typing import NotRequired, TypedDict
class Total(TypedDict):
    sum: int
    note: NotRequired[str]
class Level(enum.Enum):
    LOW = (1, 2)
    HIGH = (3, 4)
@dataclasses.dataclass
class Report:
    day: datetime.date
    price: decimal.Decimal
    level: Level = Level.LOW
    tags: set[str] = dataclasses.field(default_factory=set)
    rows: int = dataclasses.field(init=False, default=0)
    def __post_init__(self):
        print('made')
";

async fn returning(sandbox: &Sandbox, annotation: &str, value: &str) -> Result<String, Failure> {
    let source = format!("{CLASSES}\nasync def main() -> {annotation}:\n    return {value}\n");
    run(sandbox, &source).await.result
}

#[tokio::test]
async fn results_that_keep_their_promise_pass() {
    let sandbox = sandbox(1).await;
    for (annotation, value) in [
        ("dict[str, int]", "{'a': 1, 'b': 2.0}"),
        ("dict[str, float | None]", "{'a': 1, 'b': None}"),
        ("dict[int, tuple[int, str]]", "{1: (1, 'x')}"),
        ("dict", "{'anything': [1, 'x']}"),
        ("Total", "{'sum': 1}"),
        ("Total", "{'sum': 1, 'note': 'x', 'more': 2}"),
        ("Report", "Report(datetime.date(2026, 1, 31), decimal.Decimal('1.50'))"),
        (
            "dict[Level, list[Report]]",
            "{Level.HIGH: [Report(datetime.date.min, decimal.Decimal(1), tags={'b', 'a'})]}",
        ),
        ("Report", "{'day': '2026-01-31', 'price': '1', 'level': 'LOW', 'tags': [], 'rows': 1}"),
        // Without a published schema there is no promise that anyone could rely on.
        ("int", "'not a number'"),
        ("list[int]", "['x']"),
        ("Unknown", "1"),
    ] {
        let result = returning(&sandbox, annotation, value).await;
        assert!(result.is_ok(), "{annotation}: {value}: {result:?}");
    }
}

#[tokio::test]
async fn results_that_break_their_promise_fail_and_say_where() {
    let sandbox = sandbox(1).await;
    for (annotation, value, place, expected) in [
        ("dict[str, int]", "{'a': 1, 'b': 'x'}", "result.b", "an integer"),
        ("dict[str, int]", "[1]", "result", "an object"),
        ("dict[int, int]", "{'x': 1}", "the name \"x\" in result", "an integer"),
        ("Total", "{'sum': 'x'}", "result.sum", "an integer"),
        ("Total", "{'note': 'x'}", "result", "an object with 'sum'"),
        ("Total", "None", "result", "an object"),
        ("Report", "{'day': '2026-01-31', 'price': '1', 'level': 'LOW'}", "result", "'tags'"),
        (
            "Report",
            "{'day': 'today', 'price': '1', 'level': 'LOW', 'tags': [], 'rows': 1}",
            "result.day",
            "a date",
        ),
        (
            "Report",
            "{'day': '2026-01-31', 'price': 1.5, 'level': 'LOW', 'tags': [], 'rows': 1}",
            "result.price",
            "text",
        ),
        (
            "Report",
            "{'day': '2026-01-31', 'price': '1', 'level': 'LOW', 'tags': ['a', 'a'], 'rows': 1}",
            "result.tags",
            "without repetitions",
        ),
    ] {
        let failure = returning(&sandbox, annotation, value).await.expect_err(value);
        assert_eq!(failure.kind, FailureKind::ReturnType, "{value}: {failure:?}");
        let at = format!(": at {place}: ");
        assert!(failure.message.contains(&at), "{value}: {failure:?}");
        assert!(failure.message.contains(expected), "{value}: {failure:?}");
        assert!(failure.message.contains("return annotation of `main`"), "{failure:?}");
    }
}

#[tokio::test]
async fn holding_a_result_against_its_class_makes_no_object_of_it() {
    let sandbox = sandbox(1).await;
    let source = format!(
        "{CLASSES}\nasync def main() -> Report:\n    return Report(datetime.date.min, decimal.Decimal(1))\n"
    );
    let outcome = run(&sandbox, &source).await;
    outcome.result.expect("it is what was promised");
    assert_eq!(outcome.stdout, "made\n");
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_named_with_what_is_wanted() {
    let sandbox = sandbox(1).await;
    let source = "async def main(radius: float, unit: str = 'm'):\n    return [radius, unit]\n";
    let call = async |arguments: &str| {
        let run = Run { arguments: arguments.to_owned().into(), ..tool(source) };
        sandbox.run(run, Arc::new(NoHost)).await.result
    };
    assert_eq!(call(r#"{"radius": 2}"#).await.expect("it fits"), r#"[2.0, "m"]"#);
    for (arguments, texts) in [
        (r#"{"radius": "wide"}"#, ["argument radius", "number", "\"wide\""]),
        (r#"{"radius": 1, "colour": 2}"#, ["unknown argument 'colour'", "'radius'", "'unit'"]),
        (r#"{"unit": "m"}"#, ["missing argument 'radius'", "'radius'", "'unit'"]),
    ] {
        let failure = call(arguments).await.expect_err("it does not fit");
        assert_eq!(failure.kind, FailureKind::Arguments, "{failure:?}");
        for text in texts {
            assert!(failure.message.contains(text), "{failure:?}");
        }
    }
}
