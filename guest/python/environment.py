"""The interpreter before the snapshot, and at the begin and end of a call."""

import contextlib
import io
import os
import random
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType

from . import content, imports, library, loop, packages, zones
from .operations import OPERATIONS, OperationError

PRELOADED = (imports.ALLOWED | imports.INTERNAL) - {"mcpbox", "mcpbox_host"}


def install() -> None:
    """Prepare everything that does not depend on a call."""
    zones.install()
    sys.modules["mcpbox"] = content.module()
    sys.modules["mcpbox_host"] = _host_module()
    library.install(PRELOADED)
    imports.install()
    loop.install()
    # Integers of any size are read and written whole, in the processor time of the call.
    sys.set_int_max_str_digits(0)
    sys.stdout = sys.__stdout__ = _stream(1)
    sys.stderr = sys.__stderr__ = _stream(2)


def begin() -> None:
    """Prepare what must not be the same in two calls."""
    # As much as cannot be guessed; without an argument it takes as much as the generator holds.
    random.seed(int.from_bytes(os.urandom(32)))
    if packages.GENERATORS:
        packages.reseed()


def end() -> None:
    """Hand over what is still in buffers."""
    for name in ("__stdout__", "__stderr__", "stdout", "stderr"):
        try:  # noqa: SIM105, because entering a context costs more than the call
            getattr(sys, name).flush()
        except BaseException:
            # The tool may have closed or removed the stream, or put something else in its place.
            pass


@contextlib.contextmanager
def unnoticed() -> Iterator[None]:
    """Raise where code that is executed ahead of its call writes or warns: its call would not."""
    streams = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = Closed()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    finally:
        sys.stdout, sys.stderr = streams


class Closed(io.TextIOBase):
    """A stream that nothing can be written to."""

    def write(self, text: str) -> int:
        """Refuse."""
        del text
        raise OSError("the module level writes")


def _stream(descriptor: int) -> io.TextIOWrapper:
    """Make a stream of text, of which a call that a limit ends leaves the lines that it wrote.

    Its buffer writes on where the host took only a part; the raw file alone would lose the rest.
    """
    buffer = io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False))
    return io.TextIOWrapper(
        buffer, encoding="utf-8", errors="backslashreplace", line_buffering=True
    )


def _host_module() -> ModuleType:
    """Make the module through which tools reach operations of the host."""
    module = ModuleType("mcpbox_host", "Operations of the host, as far as it allows them.")
    module.call = OPERATIONS.call
    module.OperationError = OperationError
    return module
