"""The JSON text of what a tool returns.

Beside JSON's own types: data classes, typed dictionaries, named tuples (as arrays), enumerations
(their values, or their names where not all values are simple), dates and times (ISO 8601),
`Decimal`, `Fraction`, UUIDs, IP addresses and time zones (as text), bytes (base64), and all
collections (as arrays, sets in order where they have one).
"""

import base64
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import ipaddress
import json
import math
import types
import uuid
import zoneinfo
from collections.abc import Collection, Iterator, Mapping, Set
from typing import Any

from .durations import duration_text

# More nesting than any reader of JSON takes.
DEPTH_MAX = 120
TEXTUAL = (
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    zoneinfo.ZoneInfo,
)
TEMPORAL = (datetime.datetime, datetime.date, datetime.time)


class NotSerializableError(Exception):
    """A value has no JSON form; the text says which one, where, and what to do."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path} {problem}")
        self.path = path


def to_json(value: Any, name: str = "result") -> str:
    """Return the JSON text of a value, which is sound Unicode.

    `name` is what error texts call the value.
    """
    try:
        text = json.dumps(value, default=_replacement, ensure_ascii=False, allow_nan=False)
    except TypeError, ValueError, RecursionError:
        # The encoder does not know where it failed, and refuses keys that have a textual form.
        plain = _plain(value, name, ())
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False)
    if not text.isascii():
        _refuse_surrogates(text, name)
    return text


def _refuse_surrogates(text: str, name: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        found = ascii(text[error.start])
        problem = f"holds {found}, half of a surrogate pair: encode the text with errors='replace'"
        raise NotSerializableError(name, problem) from None


def _replacement(value: Any) -> Any:
    """Return the next simpler form of a value that JSON does not know."""
    if isinstance(value, enum.Enum):
        return enumerated(value)
    if isinstance(value, TEMPORAL):
        return value.isoformat()
    if isinstance(value, TEXTUAL):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, datetime.timedelta):
        return duration_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set) and not isinstance(value, collections.abc.MappingView):
        return _ordered(value)
    if isinstance(value, Collection) and not isinstance(value, type):
        return list(value)
    raise TypeError


def enumerated(member: enum.Enum) -> Any:
    """Return what stands for a member of an enumeration, in schemas too."""
    members = type(member).__members__.values()
    simple = all(isinstance(found.value, str | int | float | None) for found in members)
    return member.value if simple else member.name


def _ordered(values: Collection[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return list(values)


def _plain(value: Any, path: str, above: tuple[int, ...]) -> Any:
    """Return the value in JSON's own types; `above` are the containers that hold it."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, enum.Enum):
        return _plain(enumerated(value), path, above)
    if isinstance(value, int):
        return _checked_integer(value, path)
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise NotSerializableError(
            path, f"is {value}, which JSON cannot express: return None instead"
        )
    if id(value) in above:
        raise NotSerializableError(path, "holds itself: return a copy without the cycle")
    if len(above) >= DEPTH_MAX:
        raise NotSerializableError(path, f"is nested more than {DEPTH_MAX} deep: flatten it")
    above = (*above, id(value))
    if isinstance(value, Mapping):
        return {
            _key(key, path): _plain(item, _inside(path, key), above) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{index}]", above) for index, item in enumerate(value)]
    try:
        simpler = _replacement(value)
    except TypeError:
        raise NotSerializableError(path, _problem(value)) from None
    return _plain(simpler, path, above)


def _checked_integer(value: int, path: str) -> int:
    try:
        str(value)
    except ValueError:
        raise NotSerializableError(path, "is an integer of too many digits") from None
    return value


def _inside(path: str, key: Any) -> str:
    shown = repr(key) if isinstance(key, str | int) else type(key).__name__
    return f"{path}[{shown[:60]}]"


def _key(key: Any, path: str) -> str:
    """Return the text of a key: keys are texts in JSON."""
    if isinstance(key, enum.Enum):
        key = enumerated(key)
    if isinstance(key, str):
        return str(key)
    if key is None or isinstance(key, bool | int | float):
        return json.dumps(key)
    if isinstance(key, (*TEXTUAL, *TEMPORAL)):
        replaced = _replacement(key)
        return str(replaced)
    problem = f"has a key of type {type(key).__name__}: JSON needs strings as keys"
    raise NotSerializableError(path, problem)


def _problem(value: Any) -> str:
    name = type(value).__name__
    if isinstance(value, types.CoroutineType):
        return "is a coroutine: an `await` is missing"
    if isinstance(value, Iterator | types.AsyncGeneratorType):
        return f"is a {name}: make it a list first"
    if callable(value):
        return f"is a {name}: was a call meant?"
    return (
        f"is of type {name}, which has no JSON form: return a dict, a data class or a text instead"
    )
