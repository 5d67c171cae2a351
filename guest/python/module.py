"""The tool as a Python module."""

import datetime
import importlib.abc
import importlib.machinery
import json
import sys
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import Any

import httpx

from . import context, vault
from .errors import FILENAME
from .imports import BUILTINS

NAME = "tool"


class SourceLoader(importlib.abc.InspectLoader):
    """Gives tracebacks, and `inspect`, the lines of the tool."""

    def __init__(self, source: str) -> None:
        self.source = source

    def get_source(self, fullname: str) -> str:
        """Return the tool's source."""
        del fullname
        return self.source


@dataclass(slots=True)
class Names:
    """What the names of a tool stand for whose values belong to one call."""

    arguments: dict[str, Any]
    secrets: vault.Secrets
    ctx: context.Context


# Where a module level is executed that touches none.
NONE = Names({}, vault.NONE, context.NONE)
# Where it is executed for the types that it defines alone.
EXAMPLES = Names({}, vault.EXAMPLES, context.NONE)


def create(source: str, names: Names) -> ModuleType:
    """Make the module with the names that every tool has, not yet executed."""
    module = ModuleType(NAME)
    loader = SourceLoader(source)
    module.__dict__.update(
        __builtins__=BUILTINS,
        __file__=FILENAME,
        __loader__=loader,
        __spec__=importlib.machinery.ModuleSpec(NAME, loader, origin=FILENAME),
        json=json,
        datetime=datetime,
    )
    bind(module, names)
    sys.modules[NAME] = module
    return module


def bind(module: ModuleType, names: Names) -> None:
    """Give the module the names whose values belong to one call."""
    module.__dict__.update(
        arguments=names.arguments, secrets=names.secrets, ctx=names.ctx, http=httpx.http
    )


def execute(module: ModuleType, code: CodeType) -> None:
    """Run the module level of the tool."""
    exec(code, module.__dict__)
