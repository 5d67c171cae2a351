"""The JSON text of what a tool returns.

Beside JSON's own types: data classes, typed dictionaries, named tuples (as arrays), enumerations
(their values, or their names where not all values are simple), dates and times (ISO 8601),
`Decimal`, `Fraction`, UUIDs, IP addresses and time zones (as text), bytes (base64), and all
collections (as arrays, sets in order where they have one). Integers have all their digits.
Pictures and files become blocks of their own, see `content.py`.
"""

import base64
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import io
import ipaddress
import json
import math
import re
import types
import uuid
import zoneinfo
from collections.abc import Callable, Collection, Iterator, Mapping, Set
from functools import partial
from typing import Any

from . import content
from .content import Collected
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
# What the encoder writes for a key that is no text.
ENCODED_KEY = re.compile(r'"(?:-?\d[\d.e+-]*|true|false|null)": ')


class NotSerializableError(Exception):
    """A value has no JSON form; the text says which one, where, and what to do."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path} {problem}")
        self.path = path


def to_json(
    value: Any, name: str = "result", collected: Collected | None = None, *, given: bool = False
) -> str:
    """Return the JSON text of a value, which is sound Unicode.

    `name` is what error texts call the value; attachments go to `collected`. Data classes are
    written as they are `given` in arguments, or else as they stand in results.
    """
    simpler = partial(_replacement, collected=collected, given=given)
    try:
        text = json.dumps(value, default=simpler, ensure_ascii=False, allow_nan=False)
    except TypeError, ValueError, RecursionError:
        # The encoder does not know where it failed, and refuses keys that have a textual form.
        plain = _plain(value, name, (), simpler)
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False)
    if not (text.isascii() or _is_sound(text)) or (
        ENCODED_KEY.search(text) and _has_repetitions(text)
    ):
        # Says where; the encoder does not mind.
        _plain(value, name, (), simpler)
    return text


def with_blocks(value: Any, *, recognise: bool, room: int) -> tuple[str, list[dict[str, Any]]]:
    """Return the JSON text of a result, and its blocks where it holds attachments.

    The blocks of a list are those of its items, in order; anything else that holds attachments is
    written as JSON, and they follow. `AttachmentsError` where they need more than `room` bytes.
    """
    collected = Collected(recognise=recognise, room=room)
    text = to_json(value, collected=collected)
    if not collected.attachments:
        return text, []
    if type(value) not in {list, tuple}:
        return text, _blocks(value, text, collected, 0)
    collected = Collected(recognise=recognise, room=room)
    blocks: list[dict[str, Any]] = []
    for index, item in enumerate(value):
        before = len(collected.attachments)
        item_text = to_json(item, f"result[{index}]", collected)
        blocks += _blocks(item, item_text, collected, before)
    return text, blocks


def _blocks(value: Any, text: str, collected: Collected, before: int) -> list[dict[str, Any]]:
    """Return the blocks of a value, and of the attachments after the first `before`."""
    if len(collected.attachments) > content.ATTACHMENTS_MAX:
        problem = f"holds more than {content.ATTACHMENTS_MAX} attachments: return a ZIP of them"
        raise NotSerializableError("result", problem)
    attached = [content.block(found) for found in collected.attachments[before:]]
    if attached and collected.reference(value) is not None:
        return attached
    return [content.text_block(value if isinstance(value, str) else text), *attached]


def _is_sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _has_repetitions(text: str) -> bool:
    """Whether an object has a name twice."""
    found = False

    def compare(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len({name for name, _ in pairs}) < len(pairs)

    try:
        json.loads(text, object_pairs_hook=compare)
    except RecursionError:
        # Nobody else could read it either.
        return True
    return found


def _refuse_surrogates(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        found = ascii(text[error.start])
        problem = f"holds {found}, half of a surrogate pair: encode the text with errors='replace'"
        raise NotSerializableError(path, problem) from None


def _replacement(value: Any, collected: Collected | None, *, given: bool = False) -> Any:
    """Return the next simpler form of a value that JSON does not know."""
    reference = collected and collected.reference(value)
    if reference is not None:
        return reference
    if isinstance(value, enum.Enum):
        return enumerated(value)
    if isinstance(value, TEMPORAL):
        return value.isoformat()
    if isinstance(value, TEXTUAL):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _members(value, given=given)
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


def _members(value: Any, *, given: bool) -> dict[str, Any]:
    """Return the members of a data class."""
    fields = dataclasses.fields(value)
    if given and len(fields) < sum(
        field._field_type is not dataclasses._FIELD_CLASSVAR
        for field in type(value).__dataclass_fields__.values()
    ):
        # Nobody keeps what the others were given for.
        raise TypeError
    return {field.name: getattr(value, field.name) for field in fields if field.init or not given}


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


def _plain(value: Any, path: str, above: tuple[int, ...], simpler: Callable[[Any], Any]) -> Any:
    """Return the value in JSON's own types; `above` are the containers that hold it."""
    if isinstance(value, enum.Enum):
        return _plain(enumerated(value), path, above, simpler)
    if isinstance(value, str):
        _refuse_surrogates(value, path)
        return value
    if value is None or isinstance(value, bool | int):
        return value
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
        names: dict[str, Any] = {}
        return {
            _name(key, names, path): _plain(item, _inside(path, key), above, simpler)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [
            _plain(item, f"{path}[{index}]", above, simpler) for index, item in enumerate(value)
        ]
    try:
        replaced = simpler(value)
    except TypeError:
        raise NotSerializableError(path, _problem(value)) from None
    return _plain(replaced, path, above, simpler)


def _name(key: Any, names: dict[str, Any], path: str) -> str:
    """Return the name of a key in JSON, which none of the keys in `names` may have as well."""
    name = _key(key, path)
    if name in names:
        both = f"{repr(names[name])[:60]} and {repr(key)[:60]}"
        problem = f"has the keys {both}, which are the same name in JSON: rename one"
        raise NotSerializableError(path, problem)
    names[name] = key
    return name


def _inside(path: str, key: Any) -> str:
    shown = repr(key) if isinstance(key, str | int) else type(key).__name__
    return f"{path}[{shown[:60]}]"


def _key(key: Any, path: str) -> str:
    """Return the text of a key: keys are texts in JSON."""
    if isinstance(key, enum.Enum):
        key = enumerated(key)
    if isinstance(key, str):
        _refuse_surrogates(key, f"{path}: the name {ascii(key)[:60]}")
        return str(key)
    if key is None or isinstance(key, bool | int | float):
        return json.dumps(key)
    if isinstance(key, (*TEXTUAL, *TEMPORAL)):
        return str(_replacement(key, None))
    problem = f"has a key of type {type(key).__name__}: JSON needs strings as keys"
    raise NotSerializableError(path, problem)


def _problem(value: Any) -> str:
    name = type(value).__name__
    if isinstance(value, types.CoroutineType):
        return "is a coroutine: an `await` is missing"
    if isinstance(value, types.AsyncGeneratorType):
        return "is a generator: collect what it yields in a list, and return that"
    if isinstance(value, io.BytesIO | io.StringIO):
        return f"is a {name}: return its getvalue()"
    if isinstance(value, io.IOBase):
        return f"is a {name}: return what its read() returns"
    if isinstance(value, Iterator):
        return f"is a {name}: make it a list first"
    if callable(value):
        return f"is a {name}: was a call meant?"
    return (
        f"is of type {name}, which has no JSON form: return a dict, a data class or a text instead"
    )
