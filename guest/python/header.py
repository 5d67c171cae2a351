"""The lines `# mcpbox: key=value,value` at the top of a source: what its code does not tell."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator

from . import hosts, imports
from .source import SourceError

FORM = "`# mcpbox: modules=sched,xml.dom hosts=api.example.com,10.0.0.2:8080 secrets=API_KEY`"
MARK = re.compile(r"#[ \t]*mcpbox:")
WORD = re.compile(r"[^ \t]+")
PACKAGE = re.compile(
    r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(==[A-Za-z0-9][A-Za-z0-9.!+_-]*)?"
)
SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
TOOL = re.compile(r"[A-Za-z0-9_-]{1,64}")
VALUE_MAX = 300
SHOWN_MAX = 60

Declared = dict[str, set[str]]


def _module(text: str) -> str | None:
    return text if imports.is_name(text) else None


def _package(text: str) -> str | None:
    found = PACKAGE.fullmatch(text)
    if found is None:
        return None
    # Names of packages are compared in this form.
    return re.sub(r"[-_.]+", "-", found[1]).lower() + (found[2] or "")


def _host(text: str) -> str | None:
    return text if text == "*" else hosts.normal(text)


def _secret(text: str) -> str | None:
    return text if SECRET.fullmatch(text) else None


def _tool(text: str) -> str | None:
    return text if TOOL.fullmatch(text) else None


# What may be declared, and what brings a value into its normal form.
KEYS: dict[str, Callable[[str], str | None]] = {
    "modules": _module,
    "packages": _package,
    "hosts": _host,
    "secrets": _secret,
    "tools": _tool,
}


def read(module: ast.Module, source: str) -> tuple[Declared, list[str]]:
    """Return what the header declares, and notes; `SourceError` where it is malformed."""
    declared: Declared = {key: set() for key in KEYS}
    notes = []
    first = _first_line(module)
    for line, column, text, alone in _marked(source):
        if not alone or line >= first:
            notes.append(
                f"line {line}: `# mcpbox:` has no effect here: write it as a line of its own"
                " before the first statement"
            )
            continue
        for key, value in _entries(text, line, column):
            declared[key].add(value)
            if key == "modules" and (why := imports.never(value)):
                notes.append(f"line {line}: {why}")
    return declared, notes


def _first_line(module: ast.Module) -> int:
    """Return the line of the first statement that is no docstring."""
    start = 0 if ast.get_docstring(module, clean=False) is None else 1
    for statement in module.body[start:]:
        decorators = getattr(statement, "decorator_list", [])
        return min(node.lineno for node in [statement, *decorators])
    return 0


def _marked(source: str) -> Iterator[tuple[int, int, str, bool]]:
    """Return the comments that begin as a header: line, column, text, and if nothing is before."""
    if "mcpbox:" not in source:
        return
    # The lines are those that the parser sees.
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and MARK.match(token.string):
                line, column = token.start
                yield line, column, token.string, not token.line[:column].strip()
    except (tokenize.TokenError, SyntaxError) as error:
        raise SourceError(f"the comments of the source cannot be read: {error}", 1) from None


def _entries(text: str, line: int, column: int) -> Iterator[tuple[str, str]]:
    start = text.index(":") + 1
    words = list(WORD.finditer(text, start))
    if not words:
        raise _malformed("the header declares nothing", line, column + 1)
    for word in words:
        place = column + word.start() + 1
        key, equals, values = word[0].partition("=")
        if not equals or key not in KEYS:
            known = ", ".join(KEYS)
            why = f"{_shown(word[0])} is none of the header's keys ({known}) with `=` and values"
            raise _malformed(why, line, place)
        for given in values.split(","):
            value = KEYS[key](given) if len(given) <= VALUE_MAX else None
            if value is None:
                why = f"{_shown(given)} cannot be one of {key}"
                raise _malformed(why, line, place)
            yield key, value


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…")


def _malformed(why: str, line: int, column: int) -> SourceError:
    message = f"{why}: write it as in {FORM}, with commas between values and no space"
    return SourceError(message, line, column)
