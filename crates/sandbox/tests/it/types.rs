//! Types that tools define: what is published of them is what calls take.

use std::sync::Arc;

use sandbox::{Failure, FailureKind, Inspection, ModulePolicy, NoHost, Run, Sandbox};
use serde_json::{Value, json};

use crate::{GROUP, sandbox, tool};

async fn inspect(sandbox: &Sandbox, source: &str) -> Inspection {
    sandbox
        .inspect(source, &ModulePolicy::default(), None, GROUP)
        .await
        .expect("it can be inspected")
}

/// The schemas of the arguments, and of the result, of a tool that nothing is noted about.
async fn schemas(sandbox: &Sandbox, source: &str) -> (Value, Option<Value>) {
    let inspection = inspect(sandbox, source).await;
    assert!(inspection.valid && inspection.notes.is_empty(), "{inspection:?}");
    let input = inspection.input_schema.expect("it has inputs");
    (input["properties"].clone(), inspection.output_schema)
}

async fn call(sandbox: &Sandbox, source: &str, arguments: &Value) -> Result<Value, Failure> {
    let run = Run { arguments: arguments.to_string().into(), ..tool(source) };
    let result = sandbox.run(run, Arc::new(NoHost)).await.result;
    result.map(|text| serde_json::from_str(&text).expect("results are JSON"))
}

/// What is said of arguments that do not fit.
async fn refusal(sandbox: &Sandbox, source: &str, arguments: &Value) -> String {
    let failure = call(sandbox, source, arguments).await.expect_err("they do not fit");
    assert_eq!(failure.kind, FailureKind::Arguments, "{arguments}: {failure:?}");
    failure.message
}

#[tokio::test]
async fn what_only_the_constructor_takes_is_an_argument_and_stands_in_no_result() {
    let sandbox = sandbox(1).await;
    let source = "from dataclasses import InitVar, dataclass\n\
                  @dataclass\nclass C:\n    x: InitVar[int]\n    y: int\n    z: 'InitVar[str | None]' = None\n    \
                  def __post_init__(self, x, z):\n        self.y += x\n\
                  async def main(c: C, d: C = C(1, 2)) -> C:\n    return c\n";
    let (input, output) = schemas(&sandbox, source).await;
    assert_eq!(input["c"]["properties"]["x"], json!({ "type": "integer" }));
    assert_eq!(input["c"]["required"], json!(["x", "y"]));
    assert_eq!(input["c"]["properties"]["z"]["default"], Value::Null);
    assert_eq!(input["d"].get("default"), None);
    assert_eq!(output.expect("an object")["properties"], json!({ "y": { "type": "integer" } }));
    let made = call(&sandbox, source, &json!({ "c": { "x": 1, "y": 2, "z": "a" } })).await;
    assert_eq!(made, Ok(json!({ "y": 3 })));
    let message = refusal(&sandbox, source, &json!({ "c": { "x": "a", "y": 2 } })).await;
    assert!(message.contains("argument c.x must be an integer"), "{message}");
    assert!(refusal(&sandbox, source, &json!({ "c": { "y": 2 } })).await.contains("'x'"));
}

#[tokio::test]
async fn a_published_default_holds_what_may_be_given() {
    let sandbox = sandbox(1).await;
    let source = "from dataclasses import dataclass, field\n\
                  @dataclass\nclass C:\n    id: int\n    hidden: int = field(init=False, default=0)\n    \
                  tags: list[str] = field(default_factory=list)\n    \
                  more: dict[str, int] = field(default_factory=dict)\n    \
                  few: set[int] = field(default_factory=set)\n    \
                  odd: list[int] = field(default_factory=lambda: [1])\n\
                  async def main(c: C = C(1)):\n    return c\n";
    let (input, _) = schemas(&sandbox, source).await;
    let default = json!({ "id": 1, "tags": [], "more": {}, "few": [], "odd": [1] });
    assert_eq!(input["c"]["default"], default);
    let members = &input["c"]["properties"];
    assert_eq!(members["tags"]["default"], json!([]));
    assert_eq!(members["more"]["default"], json!({}));
    assert_eq!(members["few"]["default"], json!([]));
    // What the tool's own code makes is not known before the call.
    assert_eq!(members["odd"].get("default"), None);
    let taken = call(&sandbox, source, &json!({ "c": default })).await.expect("it may be given");
    assert_eq!(taken["hidden"], 0);
}

const GENERIC: &str = "
from dataclasses import dataclass
from typing import Generic, NamedTuple, Optional, TypedDict, TypeVar
T = TypeVar('T')
type Pair[X] = tuple[X, X]
type Tree[X] = X | list[Tree[X]]
@dataclass
class Box(Generic[T]):
    item: T
@dataclass
class Boxes(Box[list[T]], Generic[T]):
    first: 'T'
class Page[U](TypedDict):
    items: list[U]
    next: Optional['Page[U]']
class Last(Page[bool]):
    total: int
class Point[N: (int, str)](NamedTuple):
    x: N
";

#[tokio::test]
async fn generic_types_are_what_their_arguments_make_of_them() {
    let sandbox = sandbox(1).await;
    let source = format!(
        "{GENERIC}async def main(p: Pair[int], b: Box[int], g: Page[str], n: Boxes[float], l: Last,\n\
         t: Tree[int], q: Point[int], w: Box[Pair[str]], u: Box) -> dict:\n    return dict(p=p, b=b, n=n, q=q)\n"
    );
    let inspection = inspect(&sandbox, &source).await;
    assert!(inspection.notes.is_empty(), "{inspection:?}");
    let input = inspection.input_schema.expect("it has inputs");
    let (members, whole) = (&input["properties"], json!({ "type": "integer" }));
    assert_eq!(members["p"]["prefixItems"], json!([whole, whole]));
    assert_eq!(members["b"]["properties"]["item"], whole);
    assert_eq!(input["$defs"]["Page"]["properties"]["items"]["items"], json!({ "type": "string" }));
    let boxes = &members["n"]["properties"];
    assert_eq!(boxes["item"], json!({ "type": "array", "items": { "type": "number" } }));
    assert_eq!(boxes["first"], json!({ "type": "number" }));
    assert_eq!(members["l"]["properties"]["total"], whole);
    assert_eq!(members["l"]["properties"]["items"]["items"], json!({ "type": "boolean" }));
    assert_eq!(input["$defs"]["Tree"]["anyOf"][0], whole);
    assert_eq!(members["q"]["prefixItems"], json!([{ "type": "integer", "title": "x" }]));
    let pair = &members["w"]["properties"]["item"]["prefixItems"];
    assert_eq!(*pair, json!([{ "type": "string" }, { "type": "string" }]));
    assert_eq!(members["u"]["properties"]["item"], json!({}));

    let good = json!({
        "p": [1, 2], "b": { "item": 3 }, "g": { "items": ["a"], "next": { "items": [], "next": null } },
        "n": { "item": [1], "first": 2 }, "l": { "items": [true], "next": null, "total": 1 },
        "t": [[1], 2], "q": [4], "w": { "item": ["a", "b"] }, "u": { "item": null },
    });
    let made = call(&sandbox, &source, &good).await.expect("they fit");
    assert_eq!(made["n"], json!({ "item": [1.0], "first": 2.0 }));
    for (name, value, path) in [
        ("p", json!([1, "x"]), "p[1]"),
        ("b", json!({ "item": "x" }), "b.item"),
        ("g", json!({ "items": [1], "next": null }), "g.items[0]"),
        ("n", json!({ "item": ["x"], "first": 1 }), "n.item[0]"),
        ("l", json!({ "items": [1], "next": null, "total": 1 }), "l.items[0]"),
        ("q", json!(["x"]), "q[0]"),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        let message = refusal(&sandbox, &source, &bad).await;
        assert!(message.contains(&format!("argument {path} must be")), "{message}");
    }
}

#[tokio::test]
async fn types_that_have_no_end_or_no_form_are_noted_and_taken_as_they_are() {
    let sandbox = sandbox(1).await;
    for (source, note) in [
        (
            "class Pt:\n    def __init__(self, x):\n        self.x = x\nasync def main(p: Pt):\n    return p\n",
            "the type Pt has no JSON form",
        ),
        (
            "type Grow[X] = list[Grow[list[X]]]\nasync def main(p: Grow[int]):\n    return p\n",
            "Grow[list[",
        ),
        ("type Many[*X] = tuple[*X]\nasync def main(p: Many[int]):\n    return p\n", "type Many"),
    ] {
        let inspection = inspect(&sandbox, source).await;
        assert!(inspection.notes.iter().any(|found| found.contains(note)), "{inspection:?}");
        let taken = call(&sandbox, source, &json!({ "p": [[]] })).await;
        assert_eq!(taken, Ok(json!([[]])), "{source}");
    }
}

#[tokio::test]
async fn names_that_a_star_brings_are_known_and_modules_are_no_types() {
    let sandbox = sandbox(1).await;
    let source = "from decimal import *\nfrom datetime import *\nfrom typing import *\n\
                  async def main(d: Decimal, t: datetime, l: List[int], o: Optional[date] = None):\n    return d\n";
    let (input, _) = schemas(&sandbox, source).await;
    assert_eq!(input["t"]["format"], "date-time");
    let source = "from decimal import *\nasync def main(d: Decimal, e: Gone):\n    return d\n";
    let notes = inspect(&sandbox, source).await.notes;
    assert_eq!(notes, ["the type 'Gone' is not known: any value is taken"]);

    let source = "import math\nasync def main(when: datetime, m: math):\n    return when\n";
    let notes = inspect(&sandbox, source).await.notes;
    let expected = [
        "the type datetime is a module, write datetime.datetime: any value is taken",
        "the type math is a module: any value is taken",
    ];
    assert_eq!(notes, expected);
}

#[tokio::test]
async fn named_tuples_have_names_and_defaults() {
    let sandbox = sandbox(1).await;
    let source = "from typing import Annotated, NamedTuple\n\
                  class P(NamedTuple):\n    x: Annotated[float, 'To the right.']\n    y: float = 0.5\n    z: int = None\n\
                  async def main(p: P) -> dict[str, P]:\n    return {'p': p}\n";
    let (input, output) = schemas(&sandbox, source).await;
    let right = json!({ "type": "number", "title": "x", "description": "To the right." });
    let up = json!({ "type": "number", "title": "y", "default": 0.5 });
    assert_eq!(input["p"]["prefixItems"][0], right);
    assert_eq!(input["p"]["prefixItems"][1], up);
    assert_eq!((&input["p"]["minItems"], &input["p"]["maxItems"]), (&json!(1), &json!(3)));
    let output = output.expect("an object");
    assert_eq!(output["additionalProperties"]["minItems"], 3);
    let made = call(&sandbox, source, &json!({ "p": [1] })).await;
    assert_eq!(made, Ok(json!({ "p": [1.0, 0.5, null] })));
    let made = call(&sandbox, source, &json!({ "p": [1, 2, 3] })).await;
    assert_eq!(made, Ok(json!({ "p": [1.0, 2.0, 3] })));
    for wrong in [json!([]), json!([1, 2, 3, 4])] {
        let message = refusal(&sandbox, source, &json!({ "p": wrong })).await;
        assert!(message.contains("an array of 1 to 3 values (x, y, z)"), "{message}");
    }
}

#[tokio::test]
async fn of_several_objects_the_one_that_was_meant_says_what_is_wrong() {
    let sandbox = sandbox(1).await;
    let classes = "from dataclasses import dataclass\nfrom typing import Literal, TypedDict\n\
                   @dataclass\nclass Cat:\n    kind: Literal['cat']\n    lives: int\n\
                   @dataclass\nclass Dog:\n    kind: Literal['dog']\n    name: str\n\
                   class Line(TypedDict):\n    start: int\n    end: int\n\
                   class Dot(TypedDict):\n    centre: int\n";
    let source = format!(
        "{classes}type Pet = Cat | Dog\n\
         async def main(a: Pet | None = None, s: Line | Dot | None = None):\n    return a or s\n"
    );
    for (arguments, text) in [
        (json!({ "a": { "kind": "cow" } }), r#"a.kind must be one of "cat", "dog", got a string"#),
        (json!({ "a": { "kind": "dog", "lives": 1 } }), "a must be an object with 'name'"),
        (json!({ "a": { "kind": "cat", "lives": "x" } }), "a.lives must be an integer"),
        (json!({ "a": { "kind": "cat", "lives": 1, "name": "x" } }), "nothing but 'kind', 'lives'"),
        (
            json!({ "a": { "lives": 1 } }),
            r#"a must be an object with 'kind', which is one of "cat""#,
        ),
        (json!({ "s": { "center": 1, "end": 1 } }), "s must be an object with 'start'"),
        (json!({ "s": { "centre": 1, "more": 1 } }), "nothing but 'centre'"),
    ] {
        let message = refusal(&sandbox, &source, &arguments).await;
        assert!(message.contains(text), "{text}: {message}");
    }
    let message = refusal(&sandbox, &source, &json!({ "s": 3 })).await;
    assert!(message.contains("s must be an object or null, got an integer"), "{message}");
    for fits in [json!({ "kind": "dog", "name": "x" }), json!({ "kind": "cat", "lives": 9 })] {
        assert_eq!(call(&sandbox, &source, &json!({ "a": fits })).await, Ok(fits));
    }
    let source = format!(
        "{classes}async def main(pet: dict) -> dict[str, Cat | Dog]:\n    return {{'p': pet}}\n"
    );
    let failure = call(&sandbox, &source, &json!({ "pet": { "kind": "dog", "name": 1 } })).await;
    let message = failure.expect_err("it breaks the promise").message;
    assert!(message.contains("at result.p.name: expected a string"), "{message}");
}

#[tokio::test]
async fn flags_are_published_with_their_names_and_bounds() {
    let sandbox = sandbox(1).await;
    let source = "import enum\nfrom typing import Annotated\n\
                  class Perm(enum.Flag):\n    '''Who may what.'''\n    READ = 1\n    WRITE = 4\n\
                  class Open(enum.IntFlag):\n    A = 1\n\
                  async def main(p: Perm, q: Annotated[Perm, 'Of others.'] = Perm.READ, o: Open = Open.A) -> dict[str, Perm]:\n    \
                  return {'p': p | q}\n";
    let (input, output) = schemas(&sandbox, source).await;
    let sum = "A sum of: READ = 1, WRITE = 4";
    let expected = json!({
        "type": "integer", "minimum": 0, "maximum": 5, "description": format!("Who may what.\n{sum}"),
    });
    assert_eq!(input["p"], expected);
    assert_eq!(output.expect("an object")["additionalProperties"], expected);
    assert_eq!(input["q"]["description"], format!("Of others.\n{sum}"));
    assert_eq!(input["q"]["default"], 1);
    // Bits of no name are kept by these.
    assert_eq!(input["o"].get("maximum"), None);
    assert_eq!(call(&sandbox, source, &json!({ "p": 4, "o": 6 })).await, Ok(json!({ "p": 5 })));
    for wrong in [json!(2), json!(8), json!(-1), json!("READ"), json!(1.5), json!(true)] {
        let message = refusal(&sandbox, source, &json!({ "p": wrong })).await;
        assert!(message.contains("p must be a sum of: READ = 1, WRITE = 4"), "{message}");
    }
}
