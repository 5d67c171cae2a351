"""The interpreter before the snapshot, and at the begin and end of a call."""

import contextlib
import gc
import random
import sys
from types import ModuleType

from . import imports, library, loop, zones
from .operations import OPERATIONS, OperationError

PRELOADED = (imports.ALLOWED | imports.INTERNAL) - {"mcpbox_host"}


def install() -> None:
    """Prepare everything that does not depend on a call."""
    zones.install()
    sys.modules["mcpbox_host"] = _host_module()
    library.install(PRELOADED)
    imports.install()
    loop.install()
    for stream in (sys.stdout, sys.stderr):
        # A call that a limit ends leaves the lines that it wrote.
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
    gc.collect()
    gc.freeze()


def begin() -> None:
    """Prepare what must not be the same in two calls."""
    random.seed()


def end() -> None:
    """Hand over what is still in buffers."""
    for stream in (sys.__stdout__, sys.__stderr__, sys.stdout, sys.stderr):
        # The tool may have closed the stream, or put something else in its place.
        with contextlib.suppress(BaseException):
            stream.flush()


def _host_module() -> ModuleType:
    """Make the module through which tools reach operations of the host."""
    module = ModuleType("mcpbox_host", "Operations of the host, as far as it allows them.")
    module.call = OPERATIONS.call
    module.OperationError = OperationError
    return module
