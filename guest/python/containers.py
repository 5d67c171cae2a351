"""Shapes that hold others: collections, data classes, typed dictionaries, aliases."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .shapes import Anything, ConversionError, Named, Schema, Shape, Writer, listed


@dataclass(frozen=True)
class Array(Shape):
    """A list, or another collection, of one shape."""

    items: Shape
    make: Callable[[Iterable[Any]], Any] = list
    unique: bool = False
    expected = "an array"

    def write(self, writer: Writer) -> Schema:
        """`{"type": "array", "items": …}`."""
        schema: Schema = {"type": "array"}
        items = writer.of(self.items)
        if items:
            schema["items"] = items
        return schema | ({"uniqueItems": True} if self.unique else {})

    def convert(self, value: Any, path: str) -> Any:
        """Convert each item."""
        if not isinstance(value, list):
            raise ConversionError(path, self.expected, value)
        items = [self.items.convert(item, f"{path}[{index}]") for index, item in enumerate(value)]
        try:
            return self.make(items)
        except TypeError as error:
            raise ConversionError(path, "an array of simple values", value, str(error)) from None

    def check(self, value: Any, path: str) -> None:
        """Check each item."""
        if not isinstance(value, list):
            raise ConversionError(path, self.expected, value)
        for index, item in enumerate(value):
            self.items.check(item, f"{path}[{index}]")
        if self.unique and len({json.dumps(item, sort_keys=True) for item in value}) < len(value):
            raise ConversionError(path, "an array without repetitions", value)


@dataclass(frozen=True)
class Tuple(Shape):
    """An array of known length with a shape for each place; the last places may be `optional`.

    `keywords` has more of the schema of each place, `names` what error texts call them.
    """

    places: Sequence[Shape]
    make: Callable[..., Any]
    keywords: Sequence[Schema] = ()
    names: Sequence[str] = ()
    optional: int = 0

    @property
    def expected(self) -> str:
        """The length."""
        count = len(self.places)
        least = f"{count - self.optional} to " if self.optional else ""
        named = f" ({', '.join(self.names)})" if self.names else ""
        return f"an array of {least}{count} values{named}"

    def write(self, writer: Writer) -> Schema:
        """`{"type": "array", "prefixItems": […], …}`; results have all places."""
        count = len(self.places)
        least = count if writer.output else count - self.optional
        schema: Schema = {"type": "array", "minItems": least, "maxItems": count}
        if self.places:
            keywords = self.keywords or [{}] * count
            pairs = zip(self.places, keywords, strict=True)
            schema["prefixItems"] = [writer.of(place, more) for place, more in pairs]
        return schema

    def convert(self, value: Any, path: str) -> Any:
        """Convert each place that is there."""
        most = len(self.places)
        if not isinstance(value, list) or not most - self.optional <= len(value) <= most:
            raise ConversionError(path, self.expected, value)
        pairs = enumerate(zip(self.places, value, strict=False))
        return self.make(place.convert(item, f"{path}[{index}]") for index, (place, item) in pairs)

    def check(self, value: Any, path: str) -> None:
        """Check each place."""
        if not isinstance(value, list) or len(value) != len(self.places):
            raise ConversionError(path, self.expected, value)
        for index, (place, item) in enumerate(zip(self.places, value, strict=True)):
            place.check(item, f"{path}[{index}]")


@dataclass(frozen=True)
class Mapping(Shape):
    """An object with any names and values of one shape."""

    keys: Shape
    values: Shape
    key_schema: Schema = field(default_factory=dict)
    make: Callable[[dict[Any, Any]], Any] = dict
    expected = "an object"

    def write(self, writer: Writer) -> Schema:
        """`{"type": "object", "additionalProperties": …}`."""
        schema: Schema = {"type": "object"}
        if self.key_schema:
            schema["propertyNames"] = self.key_schema
        values = writer.of(self.values)
        return schema | ({"additionalProperties": values} if values else {})

    def convert(self, value: Any, path: str) -> Any:
        """Convert names and values."""
        if not isinstance(value, dict):
            raise ConversionError(path, self.expected, value)
        return self.make(
            {
                self.keys.convert(key, f"the name {json.dumps(key)[:60]} in {path}"): (
                    self.values.convert(item, f"{path}.{key[:60]}")
                )
                for key, item in value.items()
            }
        )

    def check(self, value: Any, path: str) -> None:
        """Check names and values."""
        if not isinstance(value, dict):
            raise ConversionError(path, self.expected, value)
        for key, item in value.items():
            self.keys.check(key, f"the name {json.dumps(key)[:60]} in {path}")
            self.values.check(item, f"{path}.{key[:60]}")


@dataclass(frozen=True)
class Member:
    """A member of a record; one that is not `given` stands in results alone.

    One that is not `kept` is given to the constructor, and stands in no result.
    """

    shape: Shape
    required: bool = True
    keywords: Schema = field(default_factory=dict)
    given: bool = True
    kept: bool = True


@dataclass(eq=False)
class Record(Named):
    """An object with known members: a data class or a typed dictionary."""

    name: str
    make: Callable[..., Any]
    text: str | None = None
    closed: bool = True
    members: dict[str, Member] = field(default_factory=dict)
    expected = "an object"

    def write(self, writer: Writer) -> Schema:
        """`{"type": "object", "properties": …}`."""
        schema: Schema = {"type": "object"}
        if self.text:
            schema["description"] = self.text
        members = self.shown(output=writer.output)
        schema["properties"] = {
            name: writer.of(member.shape, member.keywords) for name, member in members.items()
        }
        required = self._required(members, output=writer.output)
        if required:
            schema["required"] = required
        # A result may hold more than its typed dictionary says.
        return schema | (
            {"additionalProperties": False} if self.closed or not writer.output else {}
        )

    def shown(self, *, output: bool) -> dict[str, Member]:
        """Return the members of results, or those of arguments."""
        members = self.members.items()
        return {name: one for name, one in members if (one.kept if output else one.given)}

    def _required(self, members: dict[str, Member], *, output: bool) -> list[str]:
        # An object of a class has all its members when it is written.
        all_of_them = self.closed and output
        return [name for name, member in members.items() if member.required or all_of_them]

    def convert(self, value: Any, path: str) -> Any:
        """Convert the members and make the object; its class may refuse them with a reason."""
        self._check_names(value, path, output=False)
        converted = {
            name: self.members[name].shape.convert(item, f"{path}.{name}")
            for name, item in value.items()
        }
        try:
            return self.make(**converted)
        except Exception as error:
            expected = f"values that {self.name} accepts"
            reason = f"{type(error).__name__}: {error}"
            raise ConversionError(path, expected, value, reason) from error

    def check(self, value: Any, path: str) -> None:
        """Check the members."""
        self._check_names(value, path, output=True)
        for name, item in value.items():
            if name in self.members:
                self.members[name].shape.check(item, f"{path}.{name}")

    def _check_names(self, value: Any, path: str, *, output: bool) -> None:
        if not isinstance(value, dict):
            raise ConversionError(path, self.expected, value)
        members = self.shown(output=output)
        missing = [name for name in self._required(members, output=output) if name not in value]
        if missing:
            raise ConversionError(path, f"an object with {listed(missing)}", value)
        unknown = [name for name in value if name not in members]
        if unknown and (self.closed or not output):
            allowed = listed(members) if members else "no members"
            raise ConversionError(path, f"an object with nothing but {allowed}", value)


@dataclass(eq=False)
class Alias(Named):
    """A named type alias, which may hold itself."""

    name: str
    shape: Shape = field(default_factory=Anything)

    @property
    def expected(self) -> str:
        """The name: what it stands for may hold the alias again."""
        return f"a value of {self.name}"

    def write(self, writer: Writer) -> Schema:
        """Write what the alias stands for."""
        return writer.of(self.shape)

    def convert(self, value: Any, path: str) -> Any:
        """Convert to what the alias stands for."""
        return self.shape.convert(value, path)

    def check(self, value: Any, path: str) -> None:
        """Check against what the alias stands for."""
        self.shape.check(value, path)
