"""Which modules a tool may import.

This is policy for the sake of the person who reviews a tool, and not what holds the tool: that is
the sandbox. Only imports that the tool's own code makes are checked; the library imports what it
needs.
"""

import ast
import builtins
import importlib
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

ALLOWED = frozenset(
    """
    __future__ abc array asyncio base64 binascii bisect calendar cmath codecs collections
    colorsys configparser contextlib copy csv dataclasses datetime decimal difflib email enum
    fractions functools graphlib gzip hashlib heapq hmac html httpx io ipaddress itertools json
    logging math mcpbox mcpbox_host numbers operator pprint queue random re regex secrets shlex
    statistics string struct textwrap time tomllib traceback types typing unicodedata
    urllib.parse uuid warnings weakref xml.etree.ElementTree zipfile zlib zoneinfo
    """.split()
)
# Never allowed, whatever anyone approves; with what they are made of.
FORBIDDEN = frozenset(
    """
    _pickle _posixsubprocess _socket builtins gc inspect marshal nt ntpath os pathlib pickle
    posix posixpath shutil socket subprocess sys
    """.split()
)
# What C code of the library imports late, in the name of the tool that calls it.
INTERNAL = frozenset(
    """
    _colorize _io _pylong _strptime annotationlib copyreg encodings linecache locale tracemalloc
    """.split()
)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
NAME_MAX = 200
# Code that imports in the name of whoever calls it.
ON_BEHALF = frozenset({"importlib", "importlib._bootstrap", "importlib.util", "pkgutil", "runpy"})


@dataclass(frozen=True)
class Policy:
    """What a person has taken from the list of modules, and what was granted beside it.

    What is `undeclared` was granted, too, but the revision that runs does not say that it uses it.
    """

    removed: frozenset[str] = frozenset()
    granted: frozenset[str] = frozenset()
    undeclared: frozenset[str] = frozenset()

    def refusal(self, name: str) -> str | None:
        """Say why a tool may not import a module; nothing where it may."""
        above = _and_above(name)
        if above & FORBIDDEN:
            return never(name)
        if above & self.granted or (above & ALLOWED and not above & self.removed):
            return None
        if any(self._leads_to(name, found) for found in ALLOWED | self.granted):
            return None
        return f"module {name!r} {self._problem(name)}"

    def is_way(self, name: str) -> bool:
        """Whether a package may be imported for the sake of some of its submodules alone."""
        return not _and_above(name) & ((ALLOWED - self.removed) | self.granted)

    def _leads_to(self, name: str, found: str) -> bool:
        if not found.startswith(name + "."):
            return False
        return found in self.granted or not _and_above(found) & self.removed

    def _problem(self, name: str) -> str:
        if any(_is_within(name, found) or _is_within(found, name) for found in self.undeclared):
            return _declaring(name)
        way = "with mcpbox_request_module, and it works once a person has approved that"
        if _and_above(name) & self.removed:
            return f"was taken from the modules that tools may import here: ask for it {way}"
        if name.partition(".")[0] in sys.stdlib_module_names:
            return (
                f"is not among the modules that tools may import from the start: use one that is,"
                f" or ask for it {way}"
            )
        return (
            "is not part of Python and in no package that this server has: do it with Python's own"
            " modules, or ask for the package that brings it (a pure-Python one from PyPI) with"
            " mcpbox_request_module and `package`, and it works once a person has approved that"
        )


DEFAULT = Policy()


def never(name: str) -> str | None:
    """Say why nobody can import a module, whatever is granted; nothing where that may be."""
    if not _and_above(name) & FORBIDDEN:
        return None
    return (
        f"module {name!r} can never be imported by a tool: nothing of the machine is inside"
        " the sandbox; do it with plain Python and the modules that are allowed"
    )


def is_name(text: str) -> bool:
    """Whether a text can name a module that somebody grants."""
    return len(text) <= NAME_MAX and NAME.fullmatch(text) is not None


def _is_within(name: str, above: str) -> bool:
    return f"{name}.".startswith(f"{above}.")


def _declaring(name: str) -> str:
    line = f"`# mcpbox: modules={name}`"
    if name.partition(".")[0] not in sys.stdlib_module_names:
        line += " (or `# mcpbox: packages=NAME`, with the package that brings it)"
    return (
        f"is granted, but this revision does not declare it: add the line {line} at the top, save"
        " and file it again"
    )


class ModuleNotAllowedError(ImportError):
    """A tool imported a module that it may not."""

    # Tracebacks then show the name alone.
    __module__ = "builtins"


_policy = DEFAULT


def apply(text: str) -> None:
    """Set what the tool of this instance may import; `text` is JSON, see `wit/tool.wit`."""
    global _policy  # noqa: PLW0603
    lists = json.loads(text)
    _policy = Policy(*(frozenset(lists[name]) for name in ("removed", "granted", "undeclared")))


def reset() -> None:
    """Set what a tool may import where nobody has said anything."""
    global _policy  # noqa: PLW0603
    _policy = DEFAULT


def refusal(name: str) -> str | None:
    """Say why the tool may not import a module; nothing where it may."""
    return _policy.refusal(name)


def check(name: str) -> None:
    """Raise where the tool may not import a module."""
    why = refusal(name)
    if why is not None:
        raise ModuleNotAllowedError(why, name=name)


def refused(tree: ast.AST) -> list[tuple[int, str]]:
    """Return the imports of a syntax tree that would be refused: line, and why."""
    found = []
    for node in ast.walk(tree):
        for name in named(node, _policy):
            why = refusal(name)
            if why is not None:
                found.append((node.lineno, why))
    return sorted(set(found))


def named(node: ast.AST, policy: Policy) -> list[str]:
    """Return the modules that a node imports, as far as it names them."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str() as module, names=names, level=0):
            within = [f"{module}.{alias.name}" for alias in names if alias.name != "*"]
            return (
                [module, *within]
                if policy.refusal(module) is None and policy.is_way(module)
                else [module]
            )
        case ast.Call(
            func=ast.Name(id="__import__" | "import_module")
            | ast.Attribute(attr="__import__" | "import_module"),
            args=[ast.Constant(value=str() as name), *_],
        ):
            return [] if name.startswith(".") else [name]
    return []


def _and_above(name: str) -> set[str]:
    """Return a module's name and those of the packages that it is in."""
    parts = name.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts) + 1)}


def _import(
    name: str,
    globals: Mapping[str, Any] | None = None,  # noqa: A002
    locals: Mapping[str, Any] | None = None,  # noqa: A002
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """Import for the tool: what its `import` statements call."""
    if level > 0:
        raise ModuleNotAllowedError("a tool is one module: it has nothing to import relatively")
    # Statements name what they want in a tuple; a list comes from C code of the library.
    if not (isinstance(fromlist, list) and name in INTERNAL):
        check(name)
        if _policy.is_way(name):
            for part in fromlist or ():
                check(f"{name}.{part}")
    return builtins.__import__(name, globals, locals, fromlist, level)


# The builtins of the tool's code, and of all code that it makes with `exec`.
BUILTINS = {**vars(builtins), "__import__": _import}


def _is_asked_by_tool() -> bool:
    """Whether the tool's code calls what called this, also through the library's own importers."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") in ON_BEHALF | {__name__}:
        frame = frame.f_back
    return frame is not None and frame.f_builtins is BUILTINS


def _checked(function: Callable[..., Any], name_of: Callable[..., str]) -> Callable[..., Any]:
    """Return a function of `importlib` that checks what the tool asks it for."""

    def checked(*given: Any, **named: Any) -> Any:
        if _is_asked_by_tool():
            check(name_of(*given, **named))
        return function(*given, **named)

    checked.__name__ = checked.__qualname__ = function.__name__
    checked.__doc__ = function.__doc__
    return checked


def _find_spec(find: Callable[..., Any]) -> Callable[..., Any]:
    """Return `importlib.util.find_spec`, which finds nothing where an import would be refused."""

    def find_spec(name: str, package: str | None = None) -> Any:
        if _is_asked_by_tool():
            resolved = importlib.util.resolve_name(name, package)
            if _and_above(resolved) & FORBIDDEN:
                check(resolved)
            if refusal(resolved) is not None:
                return None
        return find(name, package)

    return find_spec


def install() -> None:
    """Check also what a tool imports through `importlib`, once a person has granted that."""

    def of_module(module: ModuleType) -> str:
        return module.__name__

    def of_spec(spec: Any) -> str:
        return spec.name

    def of_name(name: str, *rest: Any, **named: Any) -> str:
        del rest, named
        return name

    resolved = importlib.util.resolve_name
    importlib.import_module = _checked(
        importlib.import_module, lambda name, package=None: resolved(name, package)
    )
    importlib.__import__ = _checked(importlib.__import__, of_name)
    importlib.reload = _checked(importlib.reload, of_module)
    importlib.util.module_from_spec = _checked(importlib.util.module_from_spec, of_spec)
    importlib.util.find_spec = _find_spec(importlib.util.find_spec)
