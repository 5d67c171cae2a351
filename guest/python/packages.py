"""Packages that a person granted: found, read and loaded from memory, as there is no file system.

An archive holds the bytecode of every module and the content of every other file, by path. Modules
are loaded before the snapshot of a set of packages is taken, or where that did not do, when a tool
imports them.
"""

import gc
import importlib
import importlib.abc
import importlib.machinery
import io
import linecache
import marshal
import os
import random
import sys
import warnings
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any

from componentize_py_types import Err
from wit_world.imports import host

from . import absent, errors, files

ROOT = files.ROOT
# The operation that yields one file after the other.
NEXT = "packages.next"
# Modules that are not worth loading ahead, or do something when they are.
SKIPPED = frozenset("__main__ _test _tests conftest setup test tests".split())
REASON_MAX = 300
# Bytes of files that are unpacked at once, or one file.
PART = 1 << 19


class Packages(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds and loads modules of the archive."""

    def __init__(self) -> None:
        self.code: dict[str, bytes] = {}

    def find_spec(
        self, fullname: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a module, a package, or a folder that packages share."""
        del path, target
        if fullname in absent.NAMES:
            return importlib.machinery.ModuleSpec(fullname, absent.LOADER)
        place = fullname.replace(".", "/")
        folder = f"{ROOT}/{place}"
        for name, package in ((f"{place}/__init__.py", True), (f"{place}.py", False)):
            if name in self.code:
                origin = f"{ROOT}/{name}"
                spec = importlib.machinery.ModuleSpec(
                    fullname, self, origin=origin, is_package=package
                )
                spec.has_location = True
                if package:
                    spec.submodule_search_locations = [folder]
                return spec
        if not files.is_folder(folder):
            return None
        spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = [folder]
        return spec

    def find_distributions(self, context: Any = None) -> Iterator[Any]:
        """Find the metadata of packages, for `importlib.metadata`."""
        return files.distributions(context)

    def is_package(self, fullname: str) -> bool:
        """Whether a module is a package."""
        return f"{fullname.replace('.', '/')}/__init__.py" in self.code

    def get_source(self, fullname: str) -> None:
        """Only bytecode is kept."""
        del fullname

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of a module."""
        place = fullname.replace(".", "/")
        name = f"{place}/__init__.py" if self.is_package(fullname) else f"{place}.py"
        if not self.code.get(name):
            raise ImportError(f"the code of {fullname} is not kept once it is loaded")
        return marshal.loads(self.code[name])

    def get_data(self, path: str) -> bytes:
        """Return a file's content, for `pkgutil`."""
        return files.read(path)

    def get_resource_reader(self, fullname: str) -> Any:
        """Return what reads the files of a package, for `importlib.resources`."""
        return files.Resources(f"{ROOT}/{fullname.replace('.', '/')}")


PACKAGES = Packages()
# Generators that packages made without a seed: no two calls are to draw the same from them.
GENERATORS: list[random.Random] = []


def pack() -> bytes:
    """Compile files that the host has, and return as many as are worth a part; nothing at the end.

    In parts, because what unpacking them takes beside their content stays in the snapshot.
    """
    code, content, size = {}, {}, 0
    while size < PART and (found := _next()) is not None:
        path, data = found
        compiled = _compiled(path, data) if path.endswith(".py") else None
        if compiled is None:
            content[path] = data
        else:
            code[path] = compiled
        size += len(path) + len(compiled or data)
    return marshal.dumps((code, content)) if size else b""


def provide(found: dict[str, bytes]) -> None:
    """Have the files of a package that the guest itself brings in every set."""
    code = {path: _compiled(path, data) for path, data in found.items() if path.endswith(".py")}
    PACKAGES.code.update(code)
    files.add({path: data for path, data in found.items() if path not in code}, code)


def unpack(part: bytes) -> None:
    """Make what a part holds importable."""
    code, content = marshal.loads(part)
    PACKAGES.code.update(code)
    files.add(content, code)
    if PACKAGES not in sys.meta_path:
        files.install()
        sys.meta_path.append(PACKAGES)
        sys.path_hooks.append(files.Listing)


def preload(modules: list[str], *, whole: bool) -> dict[str, Any]:
    """Import modules, where `whole` with all that is in them.

    `{"loaded": the number of modules, "failed": {module: why}}`
    """
    relay = Relay(sys.stdout), Relay(sys.stderr)
    streams, seed = (sys.stdout, sys.stderr), random.Random.seed
    sys.stdout, sys.stderr = relay
    random.Random.seed = _noting(seed)
    failed = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in _wanted(modules) if whole else sorted(modules):
                _load(name, failed)
    finally:
        random.Random.seed = seed
        sys.stdout, sys.stderr = streams
        for stream in relay:
            stream.muted = False
    loaded = 0
    for path in PACKAGES.code:
        if _module(path) in sys.modules:
            PACKAGES.code[path] = b""
            loaded += 1
    linecache.clearcache()
    gc.collect()
    return {"loaded": loaded, "failed": failed}


def reseed() -> None:
    """Have generators go on as nobody can tell."""
    for generator in GENERATORS:
        generator.seed(int.from_bytes(os.urandom(32)))


class Relay(io.TextIOBase):
    """A stream that passes on what is written, but nothing before there is a call to write for.

    What a package keeps of `sys.stdout` when it is loaded, such as a handler of logging, is this.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.muted = True

    def write(self, text: str) -> int:
        """Write."""
        return len(text) if self.muted else self._stream.write(text)

    def flush(self) -> None:
        """Hand over what is in buffers."""
        if not self.muted:
            self._stream.flush()


def _next() -> tuple[str, bytes] | None:
    """Return the next file of the host, its path below the root and its content."""
    identifier = host.start(NEXT, b"")
    for completion in host.wait(None):
        if completion.id == identifier:
            if isinstance(completion.outcome, Err):
                raise OSError(completion.outcome.value)
            answer = completion.outcome.value
            if not answer:
                return None
            length = int.from_bytes(answer[:4])
            return answer[4 : 4 + length].decode(), answer[4 + length :]
    raise OSError("the host has not answered")


def _compiled(path: str, source: bytes) -> bytes | None:
    """Compile a module; nothing where it is no Python of this version, such as a template."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(source, f"{ROOT}/{path}", "exec", dont_inherit=True)
    except SyntaxError, ValueError, RecursionError, MemoryError:
        return None
    return marshal.dumps(code)


def _wanted(modules: list[str]) -> list[str]:
    """Return modules and all in them, packages before what they hold."""
    tops = set(modules)
    names = {_module(path) for path in PACKAGES.code}
    found = {name for name in names if name.partition(".")[0] in tops}
    inner = {name for name in found if not SKIPPED.intersection(name.split(".")[1:])}
    return sorted(inner | tops)


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _load(name: str, failed: dict[str, str]) -> None:
    above = name.partition(".")[0]
    if above != name and above in failed:
        return
    try:
        importlib.import_module(name)
    except BaseException as error:
        # One part that does not work here, or needs another package, says nothing about the rest.
        sys.modules.pop(name, None)
        failed[name] = errors.shorten(errors.headline(error), REASON_MAX)


def _noting(seed: Any) -> Any:
    """Return a method that seeds, and notes which generators were seeded with nothing."""

    def noting(self: random.Random, a: Any = None, version: int = 2) -> None:
        seed(self, a, version)
        if a is None and type(self).seed is noting:
            GENERATORS.append(self)

    return noting
