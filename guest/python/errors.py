"""What a model is told about an exception: where in its code, why, and how it came there."""

import re
import sys
import traceback
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from . import files, responses

FILENAME = "tool.py"
MESSAGE_MAX = 2_000
LINES_MAX = 60
CONTEXT = 2
GROUP_MAX = 10
CHAIN_MAX = 5
# Where the runner, and the library, lay when the snapshot was taken.
OWN = str(Path(__file__).parent)
HTTPX = str(Path(OWN).parent / "httpx")
LIBRARY = re.compile(
    rf"(?<![\w.:/-])(?:{re.escape(str(Path(OWN).parent))}|/python|/packages)/([\w./-]+?)(?:/__init__)?\.py\b"
)


def shorten(text: str, limit: int = MESSAGE_MAX) -> str:
    """Cut the middle out of a long text."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters left out … {text[-half:]}"


def without_paths(text: str) -> str:
    """Name modules where a text names the files that they came from."""
    return LIBRARY.sub(_module, text)


def _module(found: re.Match[str]) -> str:
    name = found[1].replace("/", ".")
    # A module that fails while it is imported is no longer among those that are.
    known = name in sys.modules or files.is_named(found[0])
    return name if known else found[0].rpartition("/")[2]


def text_of(error: BaseException) -> str:
    """Return an exception's text, even where asking for it raises."""
    try:
        return without_paths(shorten(str(error)))
    except BaseException as raised:
        return f"<its text cannot be had: __str__ raised {type(raised).__name__}>"


def type_name(error: BaseException) -> str:
    """Return the name of an exception's class, with the module of a library's."""
    name, module = type(error).__qualname__, type(error).__module__
    return name if module in {"builtins", "tool"} else f"{module}.{name}"


def headline(error: BaseException) -> str:
    """Return class and text of an exception, as a traceback ends."""
    text = text_of(error)
    line = f"{type_name(error)}: {text}" if text else type_name(error)
    if isinstance(error, BaseExceptionGroup):
        # The group's own text says only how many there are.
        return f"{line}: {headline(error.exceptions[0])}"
    return line


def detail(error: BaseException, source: str) -> dict[str, Any]:
    """Describe an exception.

    `{error_type, line, function, context: [lines], traceback: [lines], http: {status, url, body},
    chain: [{error_type, message, line, http, because}]}`, with `exceptions: [the same as chain]`
    for a group; what is not known is left out. `because` is true of a cause that was named by
    `raise … from …`, and false of what was being handled.
    """
    described: dict[str, Any] = {"error_type": type_name(error)}
    start = _from_tool(error.__traceback__)
    place = _last_place(start)
    if place is not None:
        line, function = place
        described |= {"line": line, "function": function, "context": context(source, line)}
    described |= _http(error)
    described["traceback"] = _traceback(error, start)
    chain = _chain(error)
    if chain:
        described["chain"] = chain
    if isinstance(error, BaseExceptionGroup):
        described["exceptions"] = [_brief(part) for part in error.exceptions[:GROUP_MAX]]
    return described


def _chain(error: BaseException) -> list[dict[str, Any]]:
    """Describe what led to an exception, the nearest first."""
    chain: list[dict[str, Any]] = []
    seen = {id(error)}
    while len(chain) < CHAIN_MAX:
        because = error.__cause__ is not None
        before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if before is None or id(before) in seen:
            break
        seen.add(id(before))
        chain.append({**_brief(before), "because": because})
        error = before
    return chain


def _http(error: BaseException) -> dict[str, Any]:
    response = responses.told(error)
    return {} if response is None else {"http": response}


def context(source: str, line: int) -> list[str]:
    """Return the lines around a line, numbered, the line itself marked."""
    lines = source.splitlines()
    first, last = max(1, line - CONTEXT), min(len(lines), line + CONTEXT)
    return [
        f"{'>' if number == line else ' '} {number:4} | {shorten(lines[number - 1], 200)}"
        for number in range(first, last + 1)
    ]


def place_text(described: dict[str, Any]) -> str:
    """Return ` (line 3, in main)`, or nothing where the line is not known."""
    if "line" not in described:
        return ""
    function = described.get("function", "<module>")
    where = "" if function == "<module>" else f", in {function}"
    return f" (line {described['line']}{where})"


def _brief(error: BaseException) -> dict[str, Any]:
    place = _last_place(_from_tool(error.__traceback__))
    brief = {"error_type": type_name(error), "message": text_of(error), **_http(error)}
    return brief if place is None else {**brief, "line": place[0]}


def _is_tool(frame: FrameType) -> bool:
    return frame.f_code.co_filename == FILENAME


def _from_tool(start: TracebackType | None) -> TracebackType | None:
    """Skip the runner's own frames."""
    while start is not None and not _is_tool(start.tb_frame):
        start = start.tb_next
    return start


def _last_place(start: TracebackType | None) -> tuple[int, str] | None:
    place = None
    while start is not None:
        if _is_tool(start.tb_frame) and start.tb_lineno is not None:
            place = start.tb_lineno, start.tb_frame.f_code.co_qualname
        start = start.tb_next
    return place


def _drop_runner(written: traceback.TracebackException) -> None:
    """Take out the frames of the runner and of httpx: the tool's call of them tells enough."""
    written.stack = traceback.StackSummary.from_list(
        frame for frame in written.stack if not frame.filename.startswith((OWN, HTTPX))
    )
    for chained in (written.__cause__, written.__context__):
        if chained is not None:
            _drop_runner(chained)


def _traceback(error: BaseException, start: TracebackType | None) -> list[str]:
    try:
        written = traceback.TracebackException(type(error), error, start, limit=-20, compact=True)
        _drop_runner(written)
        lines = [line for part in written.format() for line in part.rstrip("\n").split("\n")]
    except Exception:
        # The exception's own code is at work here, and may fail in any way.
        lines = [headline(error)]
    if len(lines) > LINES_MAX:
        half = LINES_MAX // 2
        lines[half:-half] = [f"  … {len(lines) - 2 * half} lines left out …"]
    return [shorten(without_paths(line), 400) for line in lines]
