"""Compiles what is written in C to libraries that componentize-py links.

The sources of the package `regex` come from PyPI under the hash of `native/requirements.txt`, the
compiler from the wheel of Zig, and the C interface of the interpreter from `native/Python.h`.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

NATIVE = Path(__file__).resolve().parent / "native"
REQUIREMENTS = NATIVE / "requirements.txt"
# What the interpreter inside the sandbox adds to the name of a library to find it.
SUFFIX = ".cpython-314-wasm32-wasi.so"
SOURCES = ("_regex.c", "_regex_unicode.c")
MODULES = ("__init__.py", "_main.py", "_regex_core.py")
COMPILE = ["cc", "-target", "wasm32-wasi", "-O2", "-fPIC", "-fvisibility=hidden", "-g0", "-c"]
# Where the tables begin that name the functions for the interpreter.
TABLE = re.compile(r"^static (?:PyMethodDef|PyGetSetDef) ", re.MULTILINE)
LINK = ["wasm-ld", "-shared", "--experimental-pic", "--no-entry", "--strip-all"]
# What the library does not define comes from the interpreter and its C library.
LINK += ["--unresolved-symbols=import-dynamic"]


def inputs() -> bytes:
    """Return everything that the library is made from, for a digest."""
    parts = [f"ziglang {version('ziglang')}".encode(), Path(__file__).read_bytes()]
    parts += [path.read_bytes() for path in sorted(NATIVE.iterdir())]
    return b"\n".join(hashlib.sha256(part).digest() for part in parts)


def build(work: Path) -> tuple[Path, Path]:
    """Return the folder of the package regex and the library `_settle`, as the guest imports them.

    They are made anew when inputs change.
    """
    package, stamp = work / "regex", work / "inputs"
    settle = work / f"_settle{SUFFIX}"
    wanted = inputs()
    if stamp.is_file() and stamp.read_bytes() == wanted:
        return package, settle
    shutil.rmtree(work, ignore_errors=True)
    package.mkdir(parents=True)
    source = _source(work)
    for name in MODULES:
        shutil.copy(source / "regex" / name, package)
    shutil.copy(source / "LICENSE.txt", package)
    for name in SOURCES:
        path = source / "src" / name
        path.write_text(_with_adapters(path.read_text(encoding="utf-8")), encoding="utf-8")
    _compile([source / "src" / name for name in SOURCES], work, package / f"_regex{SUFFIX}")
    _compile([NATIVE / "settle.c"], work, settle)
    stamp.write_bytes(wanted)
    return package, settle


def _source(work: Path) -> Path:
    """Fetch and unpack the sources; pip checks their hash."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    command += ["--no-binary", ":all:", "--require-hashes", "--dest", str(work)]
    subprocess.run([*command, "--requirement", str(REQUIREMENTS)], check=True)
    archive = next(work.glob("regex-*.tar.gz"))
    with tarfile.open(archive) as opened:
        # The hash vouches for what is in it.
        opened.extractall(work)
    return work / archive.name.removesuffix(".tar.gz")


def _with_adapters(source: str) -> str:
    """Let the interpreter reach functions of one parameter through functions of two.

    It passes two arguments to all methods without arguments and to all attributes. Machines ignore
    the second; WebAssembly checks the type of a function at every call through a pointer.
    """
    called = set(re.findall(r"\(PyCFunction\)(\w+), METH_NOARGS", source))
    called |= set(re.findall(r"\(getter\)(\w+),", source))
    for name in sorted(called):
        if re.search(rf"\b{name}\([^(),]*\)\s*{{", source) is None:
            continue
        reference = re.compile(rf"\((PyCFunction|getter)\){name},")
        found = reference.search(source)
        if found is None:
            continue
        tables = list(TABLE.finditer(source, 0, found.start()))
        adapter = (
            f"static PyObject* {name}_of_two(PyObject* self, void* unused) {{\n"
            f"    (void)unused;\n    return (PyObject*){name}((void*)self);\n}}\n\n"
        )
        place = tables[-1].start()
        source = source[:place] + adapter + source[place:]
        source = reference.sub(rf"(\1){name}_of_two,", source)
    return source


def _compile(sources: list[Path], work: Path, library: Path) -> None:
    objects = []
    for source in sources:
        compiled = work / f"{source.name}.o"
        _zig(work, [*COMPILE, "-I", str(NATIVE), "-o", str(compiled), str(source)])
        objects.append(str(compiled))
    module = library.name.removesuffix(SUFFIX)
    _zig(work, [*LINK, f"--export=PyInit_{module}", "-o", str(library), *objects])


def _zig(work: Path, arguments: list[str]) -> None:
    found = find_spec("ziglang")
    if found is None or not found.submodule_search_locations:
        message = "the package ziglang of guest/requirements.txt is not installed"
        raise FileNotFoundError(message)
    program = Path(found.submodule_search_locations[0]) / "zig"
    caches = {f"ZIG_{kind}_CACHE_DIR": str(work / "zig") for kind in ("GLOBAL", "LOCAL")}
    subprocess.run([str(program), *arguments], check=True, env={**os.environ, **caches})
