"""The standard library at run time, when its files are gone.

Modules that tools may import are imported before the snapshot. The bytecode of all others is kept,
because the library itself imports some of them late, and a person may allow more.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import marshal
import pkgutil
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

# Where componentize-py shows the library during the build.
FOLDER = Path("/python")
SKIPPED = frozenset(
    """
    __phello__ antigravity ensurepip idlelib lib-dynload pydoc_data site-packages test this
    tkinter turtle turtledemo venv
    """.split()
)

# Preloaded modules that packages load a second time, to have one of their own to change.
TWICE = frozenset({"html.parser"})


class Archive(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds and loads modules whose bytecode was kept."""

    def __init__(self) -> None:
        self._modules: dict[str, tuple[bool, bytes]] = {}

    def fill(self) -> None:
        """Keep the bytecode of every module that is not imported yet, or that is wanted twice."""
        for path in sorted(FOLDER.rglob("*.py")):
            parts = path.relative_to(FOLDER).with_suffix("").parts
            if SKIPPED.intersection(parts) or parts[-1] == "__main__":
                continue
            package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if package else parts)
            if name not in sys.modules or name in TWICE:
                code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
                self._modules[name] = package, marshal.dumps(code)

    def find_spec(
        self, fullname: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a module among the kept ones."""
        del path, target
        found = self._modules.get(fullname)
        if found is None:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=found[0])

    def is_package(self, fullname: str) -> bool:
        """Whether a kept module is a package."""
        return self._modules[fullname][0]

    def get_source(self, fullname: str) -> None:
        """Only bytecode is kept."""
        del fullname

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of a kept module."""
        return marshal.loads(self._modules[fullname][1])


ARCHIVE = Archive()


def preload(roots: frozenset[str]) -> None:
    """Import modules with all their submodules, so that the snapshot holds them."""
    for root in sorted(roots):
        module = importlib.import_module(root)
        if hasattr(module, "__path__"):
            for found in pkgutil.walk_packages(module.__path__, root + "."):
                if not SKIPPED.intersection(found.name.split(".")):
                    _preload_optional(found.name)


def _preload_optional(name: str) -> None:
    if name.endswith("__main__"):
        return
    try:
        importlib.import_module(name)
    except ImportError:
        # A part that needs what this platform does not have, such as `asyncio.windows_events`.
        sys.modules.pop(name, None)


def install(roots: frozenset[str]) -> None:
    """Make the whole library importable without files."""
    preload(roots)
    ARCHIVE.fill()
    for name in TWICE:
        module = sys.modules[name]
        module.__loader__ = module.__spec__.loader = ARCHIVE
    sys.meta_path.insert(2, ARCHIVE)
