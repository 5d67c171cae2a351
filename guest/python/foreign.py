"""What `ctypes` is made of in a set of packages: types with their sizes, and nothing of C.

Packages import `ctypes` for the size of a type, or for libraries that they use where there are
some. A library is not found here; what reaches into memory is refused.
"""

import struct
from typing import Any, Never

# Bytes of each kind of simple type in WebAssembly; those that `struct` knows are asked of it.
SIZES = {code: struct.calcsize(code) for code in "cbBhHiIlLqQfdP?"}
SIZES |= {"g": 16, "O": SIZES["P"], "u": 4, "z": SIZES["P"], "Z": SIZES["P"], "v": 2}
SIGNED, UNSIGNED = "bhilq", "BHILQ"


def refuse(*given: Any, **named: Any) -> Never:
    """Refuse what would need C."""
    del given, named
    raise NotImplementedError("ctypes: there is no C code or memory to reach in the sandbox")


class Kind(type):
    """The type of types of C."""

    from_address = from_buffer = from_buffer_copy = from_param = in_dll = refuse

    def __init__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> None:
        super().__init__(name, bases, body)
        code = getattr(cls, "_type_", None)
        if isinstance(code, str) and code not in SIZES:
            raise AttributeError(f"class must define a '_type_' attribute, not {code!r}")
        if isinstance(code, Kind) and issubclass(cls, _Pointer):
            POINTERS[code] = cls

    def __mul__(cls, length: int) -> type:
        """Return the type of an array."""
        body = {"_type_": cls, "_length_": length}
        return Kind(f"{cls.__name__}_Array_{length}", (Array,), body)

    __rmul__ = __mul__

    @property
    def __pointer_type__(cls) -> type:
        """The type of pointers to this type, once there is one."""
        if cls not in POINTERS:
            raise AttributeError("__pointer_type__")
        return POINTERS[cls]


# The types of pointers, by what they point to.
POINTERS: dict[Any, Any] = {}


class Data(metaclass=Kind):
    """A value of C, of which there can be none."""

    def __init__(self, *given: Any, **named: Any) -> None:
        refuse(given, named)


class Structure(Data):
    """A structure."""


class Union(Data):
    """A union."""


class Array(Data):
    """An array."""


class _Pointer(Data):
    """A pointer."""


class CFuncPtr(Data):
    """A function of C, which can be named and described, but not called."""

    def __init__(self, *given: Any) -> None:
        if given and isinstance(given[0], tuple):
            raise AttributeError(f"{given[0][0]}: there is no C library in the sandbox")

    __call__ = refuse


class _SimpleCData(Data):
    """A number of C; of text and addresses there are only the types."""

    def __init__(self, value: Any = 0) -> None:
        self.value = value

    @property
    def value(self) -> Any:
        """The number."""
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        code = self._type_
        if code in SIGNED + UNSIGNED:
            bits = 8 * SIZES[code]
            self._value = value & ((1 << bits) - 1)
            if code in SIGNED and self._value >> (bits - 1):
                self._value -= 1 << bits
        elif code in "fd":
            self._value = struct.unpack(code, struct.pack(code, value))[0]
        elif code == "?":
            self._value = bool(value)
        else:
            refuse()

    def __bool__(self) -> bool:
        """Whether it is not zero."""
        return bool(self._value)

    def __repr__(self) -> str:
        """Return how it is made."""
        return f"{type(self).__name__}({self._value!r})"


class ArgumentError(Exception):
    """An argument does not fit a function."""


class CField:
    """A field of a structure."""


def sizeof(found: Any) -> int:
    """Return the bytes of a type or a value."""
    kind = found if isinstance(found, Kind) else type(found)
    if not isinstance(kind, Kind):
        raise TypeError("this type has no size")
    if issubclass(kind, _SimpleCData):
        return SIZES[kind._type_]
    if issubclass(kind, Array):
        return kind._length_ * sizeof(kind._type_)
    return SIZES["P"] if issubclass(kind, (_Pointer, CFuncPtr)) else refuse()


def pointer_type(kind: Any) -> Any:
    """Return the type of pointers to a type."""
    return POINTERS.get(kind) or Kind(f"LP_{kind.__name__}", (_Pointer,), {"_type_": kind})


def dlopen(name: Any, mode: int = 0) -> int:
    """Find no library but what has no name, the interpreter, in which there is nothing."""
    del mode
    if name is None:
        return 0
    raise OSError(f"{name}: there is no C library in the sandbox")


CONTENT: dict[str, Any] = {
    "__version__": "1.1.0",
    "RTLD_LOCAL": 0,
    "RTLD_GLOBAL": 256,
    "SIZEOF_TIME_T": 8,
    "FUNCFLAG_CDECL": 1,
    "FUNCFLAG_PYTHONAPI": 4,
    "FUNCFLAG_USE_ERRNO": 8,
    "FUNCFLAG_USE_LASTERROR": 16,
    "POINTER": pointer_type,
    "_pointer_type_cache": POINTERS,
}
CONTENT |= {
    part.__name__: part
    for part in (
        ArgumentError,
        Array,
        CField,
        CFuncPtr,
        Structure,
        Union,
        _Pointer,
        _SimpleCData,
        dlopen,
        sizeof,
    )
}
CONTENT |= dict.fromkeys(
    "addressof alignment byref get_errno pointer resize set_errno".split(), refuse
)
# Addresses of functions, none of which can be called.
ADDRESSES = "_cast_addr _memmove_addr _memoryview_at_addr _memset_addr _string_at_addr"
CONTENT |= dict.fromkeys(f"{ADDRESSES} _wstring_at_addr".split(), 0)
