"""Picking values out of a JSON document."""

import re
from collections.abc import Iterator
from typing import Any

STEP = re.compile(r"\[(?P<index>-?\d+|\*)\]|(?P<name>[^.\[\]]+)")


async def main(
    document: Any, path: str = "**", default: Any = None, limit: int = 1_000
) -> dict[str, Any]:
    """Pick values out of a JSON document, each under its full path.

    A path is made of names and places, such as `orders[0].items[*].price`; `[-1]` is
    the last place, `*` every name, `[*]` every place, and a `**` at the end every
    value below. The path `**` by itself flattens the whole document.

    Parameters
    ----------
    document
        The document: any JSON value.
    path
        Which values to pick.
    default
        What to return under the path itself where nothing matches. Without it
        that is an error.
    limit
        The most values to pick.
    """
    steps = parsed(path)
    found = dict(limited(select(document, steps, ""), limit))
    if not found and default is None:
        raise LookupError(f"nothing matches {path!r}: {hint(document)}")
    return found or {path: default}


def parsed(path: str) -> list[str | int]:
    """Split a path into names, and places as integers; `[*]` becomes `*`."""
    steps: list[str | int] = []
    end = 0
    for match in STEP.finditer(path):
        if path[end : match.start()] not in ("", "."):
            break
        end = match.end()
        index = match["index"]
        steps.append(match["name"] or (index if index == "*" else int(index)))
    if end != len(path) or not steps or "**" in steps[:-1]:
        raise ValueError(f"{path!r} is no path: write one such as items[*].price or **")
    return steps


def select(value: Any, steps: list[str | int], path: str) -> Iterator[tuple[str, Any]]:
    """Yield path and value of everything below `value` that the steps lead to."""
    if not steps:
        yield path, value
        return
    step, rest = steps[0], steps[1:]
    if step == "**":
        if not (isinstance(value, dict | list) and value):
            yield path, value
            return
        rest = steps
        step = "*"
    if isinstance(value, dict):
        names = value if step == "*" else [name for name in (step,) if name in value]
        for name in names:
            yield from select(value[name], rest, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        places = range(len(value))
        if isinstance(step, int):
            places = [step % len(value)] if -len(value) <= step < len(value) else []
        elif step != "*":
            places = []
        for place in places:
            yield from select(value[place], rest, f"{path}[{place}]")


def limited[T](found: Iterator[T], limit: int) -> Iterator[T]:
    """Pass on what was found, and raise where it is too much."""
    for number, one in enumerate(found):
        if number >= limit:
            raise ValueError(f"more than {limit} values match: narrow the path")
        yield one


def hint(document: Any) -> str:
    """Say what there is at the top of a document."""
    if isinstance(document, dict):
        return f"the document has {', '.join(map(repr, document)) or 'no names'}"
    if isinstance(document, list):
        return f"the document is a list of {len(document)}"
    return "the document is a single value"
