//! The tool as a module of Python: its name, its types, what is fresh in every call, time zones.

use std::collections::HashSet;
use std::sync::Arc;

use sandbox::{NoHost, Run, Secrets};
use serde_json::{Value, json};

use crate::{run, sandbox, tool};

/// How many calls are held against each other.
const CALLS: usize = 200;

#[tokio::test]
async fn the_tool_is_a_real_module() {
    let sandbox = sandbox(1).await;
    let source = "
from __future__ import annotations
import dataclasses, enum, logging, typing

@dataclasses.dataclass
class Node:
    name: str
    children: list[Node] = dataclasses.field(default_factory=list)
    color: Color | None = None
    limit: dataclasses.InitVar[int] = 3
    kind: typing.ClassVar[str] = 'node'

class Color(enum.Enum):
    RED = 'red'

class Row(typing.TypedDict, total=False):
    node: typing.Required[Node]
    colors: list[Color]

class Pair(typing.NamedTuple):
    left: Node
    right: Later

class Later:
    pass

async def main(node: Node, rows: list[Row] | None = None) -> dict[str, typing.Any]:
    modules = logging.sys.modules
    hints = typing.get_type_hints
    return {
        'name': __name__,
        'registered': modules[__name__].Node is Node and modules[__name__].main is main,
        'module': [Node.__module__, Color.__module__, main.__module__],
        'main': modules.get('__main__') is not modules[__name__],
        'fields': [field.name for field in dataclasses.fields(Node)],
        'hints': [
            hints(Node)['children'] == list[Node],
            hints(Row)['colors'] == list[Color],
            hints(Pair)['right'] is Later,
            hints(main)['node'] is Node,
        ],
        'node': dataclasses.asdict(node),
        'rows': [row['node'].children[0].name for row in rows],
        'repr': repr(Color.RED),
    }
";
    let node = json!({ "name": "a", "children": [{ "name": "b" }], "color": "red" });
    let arguments = json!({ "node": node, "rows": [{ "node": node, "colors": ["red"] }] });
    let call = Run { arguments: arguments.to_string().into(), ..tool(source) };
    let result = sandbox.run(call, Arc::new(NoHost)).await.result.expect("the tool runs");
    let found: Value = serde_json::from_str(&result).expect("JSON");
    let child = json!({ "name": "b", "children": [], "color": null });
    assert_eq!(
        found,
        json!({
            "name": "tool",
            "registered": true,
            "module": ["tool", "tool", "tool"],
            "main": true,
            "fields": ["name", "children", "color"],
            "hints": [true, true, true, true],
            "node": { "name": "a", "children": [child], "color": "red" },
            "rows": ["b"],
            "repr": "<Color.RED: 'red'>",
        })
    );
}

#[tokio::test]
async fn nothing_random_repeats_in_many_calls() {
    let sandbox = sandbox(2).await;
    let source = "
import logging, random, secrets as drawn, uuid
AT_IMPORT = random.getrandbits(64)
async def main():
    own = random.Random()
    return [
        random.getrandbits(64), own.getrandbits(64), random.SystemRandom().getrandbits(64),
        AT_IMPORT, random.random(), str(uuid.uuid4()), str(uuid.uuid1()), str(uuid.uuid7()),
        drawn.token_hex(8), drawn.randbelow(2**64), logging.os.urandom(8).hex(),
        random.sample(range(2**30), 2), random.randbytes(8).hex(),
    ]
";
    let mut seen = HashSet::new();
    let mut drawn = 0;
    for _ in 0..CALLS {
        let result = run(&sandbox, source).await.result.expect("the tool runs");
        let values: Vec<Value> = serde_json::from_str(&result).expect("a list");
        assert_eq!(values.len(), 13);
        for value in values {
            drawn += 1;
            assert!(seen.insert(value.to_string()), "drawn before: {value}");
        }
    }
    assert_eq!(seen.len(), drawn);
}

#[tokio::test]
async fn the_module_level_belongs_to_the_call() {
    let sandbox = sandbox(1).await;
    let source = "
import datetime as dt, time
NOW = dt.datetime.now(dt.UTC).timestamp()
KEY = secrets['KEY']
GIVEN = dict(arguments)
SEEN = []
async def main(n: int):
    SEEN.append(n)
    return [NOW, time.time(), KEY, GIVEN, SEEN]
";
    let mut last = 0.0;
    for n in 0..3 {
        let values = [("KEY".to_owned(), format!("key{n}"))].into();
        let call = Run {
            arguments: json!({ "n": n }).to_string().into(),
            secrets: Secrets { values, ..Secrets::default() },
            ..tool(source)
        };
        let result = sandbox.run(call, Arc::new(NoHost)).await.result.expect("the tool runs");
        let found: Value = serde_json::from_str(&result).expect("JSON");
        let now = found[0].as_f64().expect("a time");
        assert!(now > last && found[1].as_f64().is_some_and(|after| after >= now), "{found}");
        last = now;
        assert_eq!(found[2], format!("key{n}"));
        assert_eq!(found[3], json!({ "n": n }));
        assert_eq!(found[4], json!([n]));
    }
}

#[tokio::test]
async fn time_zones_are_all_there_and_know_their_summers() {
    let sandbox = sandbox(1).await;
    let source = "
import datetime as dt, zoneinfo
async def main():
    keys = zoneinfo.available_timezones()
    for key in keys:
        zoneinfo.ZoneInfo(key).utcoffset(dt.datetime(2026, 7, 1))
    def offset(key, *moment):
        return str(dt.datetime(*moment, tzinfo=zoneinfo.ZoneInfo(key)).utcoffset())
    jump = dt.datetime(2026, 3, 29, 1, 59, tzinfo=dt.UTC).astimezone(zoneinfo.ZoneInfo('Europe/Berlin'))
    try:
        zoneinfo.ZoneInfo('Nowhere/Here')
    except zoneinfo.ZoneInfoNotFoundError:
        missing = True
    return [
        len(keys) > 590,
        offset('Europe/Berlin', 2026, 1, 1), offset('Europe/Berlin', 2026, 7, 1),
        offset('America/New_York', 2026, 3, 8, 1), offset('America/New_York', 2026, 3, 8, 3),
        offset('Australia/Lord_Howe', 2026, 1, 1), offset('Asia/Kolkata', 2026, 1, 1),
        offset('Europe/Berlin', 2100, 7, 1), jump.isoformat(), missing,
    ]
";
    let result = run(&sandbox, source).await.result.expect("the tool runs");
    let found: Value = serde_json::from_str(&result).expect("JSON");
    let expected = json!([
        true,
        "1:00:00",
        "2:00:00",
        "-1 day, 19:00:00",
        "-1 day, 20:00:00",
        "11:00:00",
        "5:30:00",
        "2:00:00",
        "2026-03-29T03:59:00+02:00",
        true,
    ]);
    assert_eq!(found, expected);
}
