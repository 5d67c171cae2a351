"""Which modules a tool may import.

This is policy for the sake of the person who reviews a tool, and not what holds the tool: that is
the sandbox. Only imports that the tool's own code makes are checked; the library imports what it
needs.
"""

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

ALLOWED = frozenset(
    """
    __future__ abc array asyncio base64 binascii bisect calendar cmath codecs collections
    colorsys configparser contextlib copy csv dataclasses datetime decimal difflib email enum
    fractions functools graphlib gzip hashlib heapq hmac html io ipaddress itertools json
    logging math mcpbox mcpbox_host numbers operator pprint queue random re secrets shlex statistics
    string struct textwrap time tomllib traceback types typing unicodedata urllib.parse uuid
    warnings weakref xml.etree zipfile zlib zoneinfo
    """.split()
)
# Never allowed, whatever anyone approves.
FORBIDDEN = frozenset(
    """
    builtins gc inspect marshal os pathlib pickle shutil socket subprocess sys
    """.split()
)
# What C code of the library imports late, in the name of the tool that calls it.
INTERNAL = frozenset(
    """
    _colorize _io _strptime annotationlib copyreg encodings linecache locale tracemalloc
    """.split()
)
# Parents that are nothing but the way to an allowed submodule.
PARENTS = frozenset(name.rpartition(".")[0] for name in ALLOWED if "." in name)


class ModuleNotAllowedError(ImportError):
    """A tool imported a module that it may not."""

    # Tracebacks then show the name alone.
    __module__ = "builtins"


def refusal(name: str) -> str | None:
    """Say why a tool may not import a module; nothing where it may."""
    parts = name.split(".")
    prefixes = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    if prefixes & FORBIDDEN:
        return (
            f"module {name!r} can never be imported by a tool: nothing of the machine is inside the"
            f" sandbox; do it with plain Python and the allowed modules"
        )
    if prefixes & ALLOWED or name in PARENTS or name in INTERNAL:
        return None
    return (
        f"module {name!r} is not among the modules that tools may import: use one that is, or"
        f" write the part of it that you need"
    )


def check(name: str) -> None:
    """Raise where a tool may not import a module."""
    why = refusal(name)
    if why is not None:
        raise ModuleNotAllowedError(why, name=name)


def _check_statement(name: str, names: Sequence[str] | None, level: int) -> None:
    if level > 0:
        raise ModuleNotAllowedError("a tool is one module: it has nothing to import relatively")
    check(name)
    if name in PARENTS:
        for part in names or ():
            check(f"{name}.{part}")


def _import(
    name: str,
    globals: Mapping[str, Any] | None = None,  # noqa: A002
    locals: Mapping[str, Any] | None = None,  # noqa: A002
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """Import for the tool: what its `import` statements call."""
    _check_statement(name, fromlist, level)
    return builtins.__import__(name, globals, locals, fromlist, level)


# The builtins of the tool's code, and of all code that it makes with `exec`.
BUILTINS = {**vars(builtins), "__import__": _import}


def install() -> None:
    """Check also what a tool imports through `importlib`, once a person has allowed that."""
    import_module, dunder_import = importlib.import_module, importlib.__import__

    def checked_module(name: str, package: str | None = None) -> ModuleType:
        if sys._getframe(1).f_builtins is BUILTINS:
            check(importlib.util.resolve_name(name, package))
        return import_module(name, package)

    def checked_import(name: str, *rest: Any, **named: Any) -> ModuleType:
        if sys._getframe(1).f_builtins is BUILTINS:
            check(name)
        return dunder_import(name, *rest, **named)

    importlib.import_module = checked_module
    importlib.__import__ = checked_import
