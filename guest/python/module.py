"""The tool as a Python module."""

import datetime
import importlib.abc
import importlib.machinery
import json
import sys
from types import CodeType, ModuleType
from typing import Any

import httpx

from .errors import FILENAME
from .imports import BUILTINS
from .vault import Secrets

NAME = "tool"


class SourceLoader(importlib.abc.InspectLoader):
    """Gives tracebacks, and `inspect`, the lines of the tool."""

    def __init__(self, source: str) -> None:
        self.source = source

    def get_source(self, fullname: str) -> str:
        """Return the tool's source."""
        del fullname
        return self.source


def create(source: str, arguments: dict[str, Any], secrets: Secrets) -> ModuleType:
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
    bind(module, arguments, secrets)
    sys.modules[NAME] = module
    return module


def bind(module: ModuleType, arguments: dict[str, Any], secrets: Secrets) -> None:
    """Give the module the names whose values belong to one call."""
    module.__dict__.update(arguments=arguments, secrets=secrets, http=httpx.http)


def execute(module: ModuleType, code: CodeType) -> None:
    """Run the module level of the tool."""
    exec(code, module.__dict__)
