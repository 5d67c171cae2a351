"""The shapes of single values: numbers, texts, and all that JSON writes as one of these."""

import base64
import datetime
import decimal
import fractions
import ipaddress
import math
import re
import typing
import uuid
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .content import Attachment, File, Image
from .durations import parse_duration
from .shapes import Anything, ConversionError, Schema, Shape, Writer

# Integers with more digits are given to clients as text, which is what they can read.
DIGITS_MAX = 4_300
DIGITS_LIMIT = 10**DIGITS_MAX
TOO_LARGE = "it is too large: floats end at about 1.8e308"


@dataclass(frozen=True)
class Plain(Shape):
    """One of JSON's own scalar types."""

    type_name: str
    expected: str
    take: Callable[[Any], Any]

    def write(self, writer: Writer) -> Schema:
        """`{"type": …}`."""
        del writer
        return {"type": self.type_name}

    def convert(self, value: Any, path: str) -> Any:
        """Numbers without a fraction are integers, as in JSON Schema."""
        try:
            return self.take(value)
        except ValueError:
            raise ConversionError(path, self.expected, value) from None
        except OverflowError:
            raise ConversionError(path, self.expected, value, TOO_LARGE) from None

    def check(self, value: Any, path: str) -> None:
        """Take no integer that clients would get as text, which their schema does not allow."""
        if self.type_name == "integer" and isinstance(value, int) and abs(value) >= DIGITS_LIMIT:
            expected = f"{self.expected} of at most {DIGITS_MAX:,} digits"
            raise ConversionError(path, expected, value, "clients read no more: return a text")
        self.convert(value, path)


@dataclass(frozen=True)
class Text(Shape):
    """A value written as text, such as a date; also as a number where `numbers`."""

    keywords: Schema
    expected: str
    parse: Callable[[str], Any]
    numbers: bool = False

    def write(self, writer: Writer) -> Schema:
        """`{"type": "string", …}`; results are always text."""
        types = ["string", "number"] if self.numbers and not writer.output else "string"
        return {"type": types, **self.keywords}

    def convert(self, value: Any, path: str) -> Any:
        """Parse the text."""
        if self.numbers and isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise ConversionError(path, self.expected, value)
        try:
            return self.parse(value)
        except Exception as error:
            raise ConversionError(path, self.expected, value) from error

    def check(self, value: Any, path: str) -> None:
        """Results are always text, and keep to the pattern."""
        pattern = self.keywords.get("pattern")
        if not isinstance(value, str) or (pattern and not re.search(pattern, value)):
            raise ConversionError(
                path, "a number as text" if self.numbers else self.expected, value
            )
        self.convert(value, path)


@dataclass(frozen=True)
class Attached(Shape):
    """A picture or a file: base64 text as an argument, a reference to a block in a result."""

    make: Callable[[bytes], Attachment]
    expected = "base64 text"

    def write(self, writer: Writer) -> Schema:
        """`{"type": "string", …}`; the reference's form for results."""
        if not writer.output:
            return {"type": "string", **BASE64}
        text = "Stands for an attachment; they follow, counted from 1."
        whole = {"type": "integer"}
        named = {"mime_type": {"type": "string"}, "bytes": whole, "name": {"type": "string"}}
        return {
            "type": "object",
            "description": text,
            "properties": {"attachment": whole, **named},
            "required": ["attachment", "mime_type", "bytes"],
        }

    def convert(self, value: Any, path: str) -> Any:
        """Decode the data."""
        if not isinstance(value, str):
            raise ConversionError(path, self.expected, value)
        try:
            return self.make(_bytes(value))
        except ValueError as error:
            raise ConversionError(path, self.expected, value, str(error)) from error

    def check(self, value: Any, path: str) -> None:
        """Take the reference that the runner has written."""
        if not isinstance(value, dict) or "attachment" not in value:
            raise ConversionError(path, "an Image or a File", value)


NUMBER = {"pattern": r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"}


def _integer(value: Any) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool) and value == int(value):
        return int(value)
    raise ValueError


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
        if math.isinf(number):
            # Written with too large an exponent.
            raise OverflowError
        return number
    raise ValueError


def _decimal(text: str) -> decimal.Decimal:
    number = decimal.Decimal(text)
    if number.is_finite():
        return number
    raise ValueError


def _instance(*kinds: type) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:
        if isinstance(value, kinds):
            return value
        raise ValueError

    return take


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


NULL = Plain("null", "null", _instance(type(None)))
STRING = Plain("string", "a string", _instance(str))
INTEGER = Plain("integer", "an integer", _integer)
FLOAT = Plain("number", "a number", _number)
BASE64 = {"contentEncoding": "base64"}

SCALARS: dict[Any, Shape] = {
    None: NULL,
    type(None): NULL,
    bool: Plain("boolean", "a boolean", _instance(bool)),
    int: INTEGER,
    float: FLOAT,
    str: STRING,
    typing.LiteralString: STRING,
    Any: Anything(),
    object: Anything(),
    bytes: Text(BASE64, "base64 text", _bytes),
    bytearray: Text(BASE64, "base64 text", lambda text: bytearray(_bytes(text))),
    datetime.datetime: Text(
        {"format": "date-time"},
        "a date and time such as 2026-01-31T12:00:00Z",
        datetime.datetime.fromisoformat,
    ),
    datetime.date: Text(
        {"format": "date"}, "a date such as 2026-01-31", datetime.date.fromisoformat
    ),
    datetime.time: Text({"format": "time"}, "a time such as 12:30:00", datetime.time.fromisoformat),
    datetime.timedelta: Text(
        {"format": "duration"}, "an ISO 8601 duration such as P1DT2H or PT90S", parse_duration
    ),
    decimal.Decimal: Text(NUMBER, "a number, or a text such as '12.50'", _decimal, numbers=True),
    fractions.Fraction: Text(
        {}, "a number, or a text such as '1/3'", fractions.Fraction, numbers=True
    ),
    uuid.UUID: Text({"format": "uuid"}, "a UUID", uuid.UUID),
    ipaddress.IPv4Address: Text({"format": "ipv4"}, "an IPv4 address", ipaddress.IPv4Address),
    ipaddress.IPv6Address: Text({"format": "ipv6"}, "an IPv6 address", ipaddress.IPv6Address),
    zoneinfo.ZoneInfo: Text({}, "a time zone such as Europe/Berlin", zoneinfo.ZoneInfo),
    Image: Attached(Image),
    File: Attached(File),
}
