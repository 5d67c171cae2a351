"""Memory before the snapshot: laid out so that a call writes to few pages of it.

Each page that a call writes is a page to restore after it.
"""

import gc
import sys
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType
from typing import Any

from . import _settle

# What calls can allocate before the memory has to grow, in bytes.
ROOM = 2 << 20


def fill() -> None:
    """Have what is allocated from now on lie side by side."""
    gc.unfreeze()
    gc.collect()
    _settle.fill(ROOM)


def freeze() -> None:
    """Keep what is there now out of the collector's way, and do not count references to it."""
    gc.unfreeze()
    gc.collect()
    _settle.immortalize(gc.get_objects())
    gc.freeze()


def tidy() -> None:
    """Remove what the last calls have left."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def gather(work: Callable[[], None]) -> None:
    """Move the code that `work` runs to one place.

    The interpreter counts in the code itself how often some of its instructions ran.
    """
    used: dict[int, CodeType] = {}

    def note(frame: FrameType, event: str, argument: Any) -> None:
        del event, argument
        used[id(frame.f_code)] = frame.f_code

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    gc.unfreeze()
    moved = {key: _moved(code, used) for key, code in used.items()}
    for function in gc.get_objects():
        if type(function) is FunctionType and id(function.__code__) in moved:
            function.__code__ = moved[id(function.__code__)]


def _moved(code: CodeType, used: dict[int, CodeType]) -> CodeType:
    """Return a copy, with copies of the code within."""
    parts = tuple(
        _moved(part, used) if type(part) is CodeType and id(part) in used else part
        for part in code.co_consts
    )
    return code.replace(co_consts=parts)
