"""Calls made before the snapshot: the interpreter has adapted to the code that every call runs.

CPython counts, in the code itself, how often an instruction ran, until it has chosen a form for
it. Each count is a write, and each page that a call writes is a page to restore after it. Nothing
of these calls is left but that.
"""

import json
import linecache
import sys
from typing import Any

from httpx import _wire

# Enough for the interpreter to have settled on a form of every instruction.
ROUNDS = 40
MODULES = json.dumps({"removed": [], "granted": [], "undeclared": []})
SECRETS = json.dumps({"values": {}, "refusals": {}, "learning": False})
CLIENT = json.dumps({"elicit_form": False, "elicit_url": False, "sample": False, "roots": False})
RESULT_LIMIT = 1 << 20

PLAIN = """
async def main(a: int, b: int = 2) -> dict:
    return {"sum": a + b}
"""

TYPICAL = '''
"""Counts words."""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Literal, Optional, TypedDict
from urllib.parse import urlencode

WORD = re.compile(r"[a-z]+")


class Unit(Enum):
    """How to count."""

    WORDS = "words"
    LETTERS = "letters"


@dataclass
class Found:
    """One word."""

    word: str
    count: int


class Answer(TypedDict):
    """All of them."""

    found: list[dict]
    day: str
    price: str
    query: str


def count(text: str) -> list[Found]:
    """Return the words, the most frequent first."""
    return [Found(word, times) for word, times in Counter(WORD.findall(text)).most_common()]


async def main(
    text: str,
    unit: Unit = Unit.WORDS,
    day: Optional[date] = None,
    at: datetime | None = None,
    price: Decimal = Decimal("1.50"),
    order: Literal["up", "down"] = "up",
    tags: list[str] | None = None,
    weights: dict[str, float] | None = None,
) -> Answer:
    """Count the words of a text.

    Args:
        text: What to count in.
        unit: What to count.
    """
    await asyncio.sleep(0)
    found = [{"word": one.word, "count": one.count} for one in count(text.lower())]
    query = urlencode({"unit": unit.value, "order": order})
    return {"found": found, "day": str(day), "price": f"{price:.2f}", "query": query}
'''

FAILING = """
async def main(number: int) -> int:
    try:
        return {}["missing"]
    except KeyError as error:
        raise ValueError(f"there is no {number}") from error
"""

NETWORKED = """
import asyncio
import httpx

async def main(url: str) -> dict:
    response = await http.get(url, params={"q": "a b", "n": 1}, headers={"Accept": "text/html"})
    response.raise_for_status()
    found = response.json()
    async with httpx.AsyncClient(timeout=10, headers={"Authorization": "x"}) as client:
        answers = await asyncio.gather(client.get(url), client.post(url, json=found))
    return {"status": response.status_code, "texts": [answer.text for answer in answers]}
"""

CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    (PLAIN, {"a": 1}),
    (PLAIN, {"b": 1}),
    (PLAIN, {"a": "one"}),
    (
        TYPICAL,
        {
            "text": "one two two",
            "unit": "letters",
            "day": "2026-01-02",
            "at": "2026-01-02T03:04:05Z",
            "price": "2.5",
            "tags": ["a", "b"],
            "weights": {"a": 0.5},
        },
    ),
    (TYPICAL, {"text": "three"}),
    (FAILING, {"number": 3}),
)
REQUESTS = ((NETWORKED, {"url": "https://api.example.com/items"}),)


class Answering:
    """Answers requests as the host does."""

    async def call(self, operation: str, payload: bytes) -> bytes:
        """Answer with a little JSON."""
        del operation, payload
        head = {
            "status": 200,
            "reason": "OK",
            "http_version": "HTTP/1.1",
            "url": "https://api.example.com/items",
            "headers": [["content-type", "application/json"], ["content-length", "11"]],
            "elapsed": 0.01,
        }
        text = json.dumps(head).encode()
        return len(text).to_bytes(4) + text + b'{"items":1}'


def run(world: Any, rounds: int, *, requests: bool) -> None:
    """Make the calls through the exports, each in every way that calls arrive."""
    operations, _wire.OPERATIONS = _wire.OPERATIONS, Answering()
    _run(world, rounds, CALLS + REQUESTS if requests else CALLS)
    _wire.OPERATIONS = operations


def _run(world: Any, rounds: int, calls: tuple[tuple[str, dict[str, Any]], ...]) -> None:
    for source, arguments in calls:
        text = json.dumps({"values": arguments, "purpose": "tool", "uri": None, "schema": None})
        bytecode = world.compile(source, MODULES).bytecode
        for _ in range(rounds):
            world.run(bytecode, source, text, SECRETS, CLIENT, MODULES, RESULT_LIMIT)
            world.load(bytecode, source, MODULES)
            world.call(text, SECRETS, CLIENT, RESULT_LIMIT)
        world.inspect(source, execute=True, modules=MODULES)
    del sys.modules["tool"]
    # Lines of these tools, which tracebacks would show as those of the next one.
    linecache.clearcache()
