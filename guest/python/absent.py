"""Parts of Python that are not in the sandbox, and that packages import without ever using them.

A package that imports one can be loaded; what it then asks of it is refused. Tools may not import
these, and so see them in no other way.
"""

import importlib.abc
from types import ModuleType
from typing import Any

from . import foreign

# The classes and functions of each, from the documentation of `bz2` and `lzma`;
# what `ctypes` is made of has a stand-in of its own.
NAMES: dict[str, str] = {
    "_bz2": "BZ2Compressor BZ2Decompressor",
    "_lzma": "LZMACompressor LZMADecompressor is_check_supported _encode_filter_properties"
    " _decode_filter_properties",
    "_ctypes": "",
}
CONSTANTS: dict[str, dict[str, Any]] = {
    "_bz2": {},
    "_ctypes": foreign.CONTENT,
    "_lzma": {
        "FORMAT_AUTO": 0,
        "FORMAT_XZ": 1,
        "FORMAT_ALONE": 2,
        "FORMAT_RAW": 3,
        "CHECK_NONE": 0,
        "CHECK_CRC32": 1,
        "CHECK_CRC64": 4,
        "CHECK_SHA256": 10,
        "CHECK_ID_MAX": 15,
        "CHECK_UNKNOWN": 16,
        "FILTER_DELTA": 3,
        "FILTER_X86": 4,
        "FILTER_LZMA2": 33,
        "MODE_FAST": 1,
        "MODE_NORMAL": 2,
        "PRESET_DEFAULT": 6,
        "PRESET_EXTREME": 1 << 31,
    },
}


class Loader(importlib.abc.Loader):
    """Makes modules in which everything refuses that is not a constant."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module."""
        name = module.__name__
        module.__dict__.update(CONSTANTS[name])
        for part in NAMES[name].split():
            setattr(module, part, _refusing(name.removeprefix("_")))
        if name == "_lzma":
            module.LZMAError = type("LZMAError", (Exception,), {"__module__": "lzma"})


def _refusing(name: str) -> Any:
    class Absent:
        def __init__(self, *given: Any, **named: Any) -> None:
            del given, named
            raise NotImplementedError(f"{name} is a part of Python that the sandbox does not have")

    return Absent


LOADER = Loader()
