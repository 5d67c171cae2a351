//! Which tools can be loaded ahead of their calls, and that those do the same as when run whole.

use std::sync::Arc;

use sandbox::{NoHost, Run, Sandbox};
use serde_json::{Value, json};

use crate::{sandbox, tool};

/// Asks the runner itself, as the worker does, which of several sources are constant.
const ASKING: &str = "
import logging
MODULES = '{\"removed\": [], \"granted\": [], \"undeclared\": []}'
world = logging.sys.modules['mcpbox_guest.runner'].WitWorld()
async def main(sources: list[str]):
    return [world.compile(source, MODULES).constant for source in sources]
";

/// Loads a tool ahead, lets time pass, calls it, and returns its answer.
const AHEAD: &str = "
import json, logging
MODULES = '{\"removed\": [], \"granted\": [], \"undeclared\": []}'
CLIENT = '{\"elicit_form\": false, \"elicit_url\": false, \"sample\": false, \"roots\": false}'
world = logging.sys.modules['mcpbox_guest.runner'].WitWorld()
source = arguments['source']
compiled = world.compile(source, MODULES)
world.load(compiled.bytecode, source, '{\"removed\": [], \"granted\": [], \"undeclared\": []}')
given = {'values': arguments['given'], 'purpose': 'tool', 'uri': None, 'schema': None}
answer = world.call(json.dumps(given), '{\"values\": {\"KEY\": \"value\"}, \"refusals\": {}, \"learning\": false}', CLIENT, 1000000)
async def main(source: str, given: dict):
    return answer
";

const CONSTANT: &[&str] = &[
    "'''Docs.'''\nfrom __future__ import annotations\nimport json, re\nimport xml.etree.ElementTree as ET\nfrom datetime import *",
    "import re\nWORD = re.compile(r'\\w+', re.I)\nLIMIT = 60 * 60\nNAMES = {'a': [1, 2], **{'b': ()}}\nA, *B = 1, 2, 3",
    "from decimal import Decimal\nRATES = {name: Decimal('1.5') for name in 'a b'.split()}\nTOTAL = sum(RATES.values())",
    "import datetime as dt\nWEEK = dt.timedelta(days=7)\nSTART = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)",
    "import zoneinfo\nZONE = zoneinfo.ZoneInfo('Europe/Berlin')\nTEXT = f'{ZONE} {1:>3}'\nUPPER = TEXT.upper()",
    "from dataclasses import dataclass, field\n@dataclass(frozen=True)\nclass Item:\n    name: str\n    tags: list[str] = field(default_factory=list)\n    def shout(self) -> str:\n        return self.name.upper()\nFIRST = Item('a')\nITEMS = [FIRST, Item(name='b')]",
    "from enum import Enum, StrEnum, auto\nclass Color(StrEnum):\n    RED = auto()\n    def __str__(self):\n        return 'x'\nclass Level(Enum):\n    LOW = 1, 'low'\nDEFAULT = Color.RED\nBY_COLOR = {Color.RED: Level.LOW.value}",
    "from typing import NamedTuple, TypedDict, TypeVar, NotRequired\nT = TypeVar('T')\nclass Row(TypedDict, total=False):\n    a: NotRequired[int]\nclass Point(NamedTuple):\n    x: int = 0\nORIGIN = Point(1)",
    "import functools, contextlib\n@functools.lru_cache(maxsize=None)\ndef f(n=3):\n    print(n)\n@contextlib.contextmanager\ndef g():\n    yield",
    "class Box:\n    def __init__(self, n):\n        self._n = n\n        print('made')\n    @property\n    def n(self):\n        return self._n\n    @n.setter\n    def n(self, n):\n        self._n = n\nclass Sub(Box, metaclass=type):\n    pass",
    "from typing import TYPE_CHECKING\nimport typing\nif TYPE_CHECKING:\n    import os\nif typing.TYPE_CHECKING:\n    print('never')",
    "try:\n    from decimal import Decimal as D\nexcept ImportError as error:\n    D = float",
    "MISSING = object()",
    "type Json = dict[str, Json] | list[Json] | str\nNumber = int | float\nclass Tree[T]:\n    left: 'Tree[T] | None' = None",
    "from functools import partial\nKEY = lambda pair: pair[1]\nHANDLERS = {'key': KEY, 'int': partial(int, base=2)}\nORDER = sorted(['b', 'a'], key=str.lower)",
    "TABLE = {}\nTABLE['a'] = 1\nTABLE |= {'b': 2}\nTABLE.update(c=3)\ndel_me: int = 1",
    "import httpx\nfrom httpx import AsyncClient, HTTPStatusError\nTIMEOUT = httpx.Timeout(10, connect=5)\nBASE = httpx.URL('https://a.example')\nCLIENT = AsyncClient(base_url='https://a.example', timeout=5, headers={'a': 'b'})\nclass ApiError(httpx.HTTPError):\n    pass\nasync def fetch(client: httpx.AsyncClient = CLIENT) -> httpx.Response:\n    return await http.get('https://a.example')",
    "class ApiError(Exception):\n    def __init__(self, code):\n        self.code = code\nclass NotFound(ApiError):\n    pass",
];

const VARIABLE: &[&str] = &[
    "print('hello')",
    "import datetime\nNOW = datetime.datetime.now()",
    "from datetime import date\nTODAY = date.today()",
    "import time\nSTART = time.monotonic()",
    "import random\nSEED = random.random()",
    "import uuid\nRUN = uuid.uuid4()",
    "import secrets as s\nTOKEN = s.token_hex()",
    "KEY = secrets['KEY']",
    "KEY = secrets.get('KEY', '')",
    "HAS = 'KEY' in secrets",
    "HELD = secrets",
    "def f(key=secrets.get('KEY')):\n    pass",
    "class A:\n    key = secrets.get('KEY')",
    "NAMES = [name for name in secrets]",
    "TEXT = f'{secrets}'",
    "GIVEN = arguments",
    "HTTP = http",
    "def f(client=http):\n    pass",
    "import httpx\nANSWER = httpx.get('https://a.example')",
    "import httpx\nCLIENT = httpx.AsyncClient()\nANSWER = CLIENT.get('https://a.example')",
    "import httpx\nCLIENT = httpx.AsyncClient(event_hooks={'request': [print]})",
    "import httpx\nhttpx.get = print",
    "import datetime\ndef f(at=datetime.datetime.now()):\n    pass",
    "import time\nclass A:\n    born = time.time()",
    "import time\nnow = time.time\nSTART = now()",
    "import time\nSTAMPS = [stamp() for stamp in (time.time,)]",
    "import time\nSTAMPS = list(map(lambda _: time.time(), [1]))",
    "import random\nITEMS = sorted([1, 2, 3], key=lambda _: random.random())",
    "import time\nfrom collections import defaultdict\nD = defaultdict(time.time)\nX = D['a']",
    "def made():\n    return 1\nX = made()",
    "def mark(f):\n    print('marked')\n    return f\n@mark\ndef g():\n    pass",
    "class Base:\n    def __init_subclass__(cls):\n        print('sub')\nclass Sub(Base):\n    pass",
    "class Meta(type):\n    def __new__(m, *a):\n        print('made')\n        return super().__new__(m, *a)\nclass A(metaclass=Meta):\n    pass",
    "class A:\n    def __class_getitem__(cls, item):\n        print(item)\nX = A[1]",
    "from enum import Enum\nclass A(Enum):\n    X = 1\n    def __init__(self, n):\n        print(n)",
    "from enum import Enum\nclass Mixin:\n    def __new__(cls, n):\n        print(n)\n        return object.__new__(cls)\nclass A(Mixin, Enum):\n    X = 1",
    "class A:\n    def __init__(self):\n        print('made')\nX = A()",
    "from dataclasses import dataclass\n@dataclass\nclass A:\n    n: int\n    def __post_init__(self):\n        print('made')\nX = A(1)",
    "from dataclasses import dataclass, field\nimport time\n@dataclass\nclass A:\n    at: float = field(default_factory=time.time)\nX = A()",
    "from dataclasses import dataclass, field\n@dataclass\nclass A:\n    at: float = field(default_factory=lambda: print('x'))\nX = A()",
    "from dataclasses import dataclass\n@dataclass\nclass A:\n    n: int\n    @property\n    def twice(self):\n        print('asked')\nX = A(1)\nY = X.twice",
    "from enum import Enum\nclass A(Enum):\n    X = 1\n    @property\n    def value(self):\n        print('asked')\nY = A.X.value",
    "from enum import Enum\nclass A(str, Enum):\n    X = 'a'\n    def __str__(self):\n        print('asked')\n        return ''\nY = f'{A.X}'",
    "from enum import Enum\nclass A(str, Enum):\n    X = 'a'\n    def __str__(self):\n        print('asked')\n        return ''\nY = '%s' % A.X",
    "import time\nfor _ in range(3):\n    time.sleep(0)",
    "while False:\n    pass",
    "import os",
    "from os import environ",
    "import sched",
    "def f(x: print('asked') = 1):\n    pass",
    "def f(x: \"print('asked')\"):\n    pass",
    "from typing import Annotated\ndef f(x: Annotated[int, print('asked')]):\n    pass",
    "type X = [print('asked')]",
    "import logging\nHANDLER = logging.StreamHandler()",
    "import logging\nERR = logging.sys.stderr",
    "import logging\nlogging.warning('hello')",
    "list = print\nX = list('hello')",
    "if len('a'):\n    from time import time as f\nelse:\n    f = int\nX = f()",
    "import json\njson.loads = print",
    "import json\ndel json",
    "assert print('x') is None",
    "X = (Y := 1)",
    "X = __import__('time').time()",
    "X = eval('1')",
    "X = open('x')",
    "global X\nX = 1",
    "import asyncio\nasyncio.run(asyncio.sleep(0))",
    "def __getattr__(name):\n    print(name)",
];

fn with_main(level: &str) -> String {
    format!("{level}\nasync def main(n: int = 1) -> dict[str, int]:\n    return {{'n': n}}\n")
}

async fn ask(sandbox: &Sandbox, source: &str, arguments: Value) -> Value {
    let run = Run { arguments: arguments.to_string().into(), ..tool(source) };
    let result = sandbox.run(run, Arc::new(NoHost)).await.result.expect("the runner answers");
    serde_json::from_str(&result).expect("the result is JSON")
}

#[tokio::test]
async fn imports_definitions_and_constants_are_constant_and_nothing_else_is() {
    let sandbox = sandbox(1).await;
    for (levels, expected) in [(CONSTANT, true), (VARIABLE, false)] {
        let sources: Vec<String> = levels.iter().map(|level| with_main(level)).collect();
        let found = ask(&sandbox, ASKING, json!({ "sources": sources })).await;
        for (level, constant) in levels.iter().zip(found.as_array().expect("a list")) {
            assert_eq!(constant, expected, "{level}");
        }
    }
}

#[tokio::test]
async fn what_is_constant_answers_the_same_when_it_is_loaded_ahead() {
    let sandbox = sandbox(1).await;
    for level in CONSTANT {
        let source = with_main(level);
        for given in [json!({}), json!({ "n": 7 }), json!({ "n": "x" })] {
            let ahead = ask(&sandbox, AHEAD, json!({ "source": source, "given": given })).await;
            let ahead: Value = serde_json::from_str(ahead.as_str().expect("text")).expect("JSON");
            let run = Run { arguments: given.to_string().into(), ..tool(&source) };
            match sandbox.run(run, Arc::new(NoHost)).await.result {
                Ok(result) => assert_eq!(ahead["result"].to_string(), result.replace(": ", ":")),
                Err(failure) => assert_eq!(ahead["message"], json!(failure.message), "{level}"),
            }
        }
    }
}

#[tokio::test]
async fn what_belongs_to_the_call_is_fresh_when_the_tool_was_loaded_ahead() {
    let sandbox = sandbox(1).await;
    let source = "
import random, uuid
CALLS = []
async def main(a: str):
    CALLS.append(a)
    return [a, arguments, secrets['KEY'], CALLS, random.random(), str(uuid.uuid4())]
";
    let call = async || {
        let answer = ask(&sandbox, AHEAD, json!({ "source": source, "given": { "a": "x" } })).await;
        let answer: Value = serde_json::from_str(answer.as_str().expect("text")).expect("JSON");
        answer["result"].clone()
    };
    let (first, second) = (call().await, call().await);
    assert_eq!(first[0], "x");
    assert_eq!(first[1], json!({ "a": "x" }));
    assert_eq!(first[2], "value");
    assert_eq!(first[3], json!(["x"]));
    assert_eq!(second[3], json!(["x"]));
    assert_ne!(first[4], second[4]);
    assert_ne!(first[5], second[5]);
}

#[tokio::test]
async fn a_module_level_that_fails_or_is_noticed_cannot_be_loaded_ahead() {
    let sandbox = sandbox(1).await;
    let loading = "
import logging
MODULES = '{\"removed\": [], \"granted\": [], \"undeclared\": []}'
world = logging.sys.modules['mcpbox_guest.runner'].WitWorld()
async def main(source: str):
    try:
        compiled = world.compile(source, MODULES)
        world.load(compiled.bytecode, source, '{\"removed\": [\"csv\"], \"granted\": [], \"undeclared\": []}')
    except Exception as error:
        return error.value
    return None
";
    for (level, text) in [
        ("X = 1 / 0", "ZeroDivisionError"),
        ("import re\nX = re.compile('(')", "PatternError"),
        ("import re\nX = re.compile('a', re.DEBUG)", "writes"),
        ("import re\nX = re.compile('[[a]')", "FutureWarning"),
        ("import csv", "csv"),
    ] {
        let why = ask(&sandbox, loading, json!({ "source": with_main(level) })).await;
        assert!(why.as_str().is_some_and(|why| why.contains(text)), "{level}: {why}");
    }
    let why = ask(&sandbox, loading, json!({ "source": with_main("import json") })).await;
    assert_eq!(why, Value::Null);
}
