"""Shapes of JSON values: each writes its JSON Schema, converts arguments and checks results."""

import abc
import json
from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]
SHOWN_MAX = 80
KINDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    type(None): "null",
}


KIND_NAMES = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


class ConversionError(Exception):
    """A value does not fit; the text names the place, what was wanted, and what came."""

    def __init__(self, path: str, expected: str, value: Any, reason: str = "") -> None:
        shown = json.dumps(value, ensure_ascii=False)
        shown = shown if len(shown) <= SHOWN_MAX else shown[:SHOWN_MAX] + "…"
        received = shown if value is None else f"{KINDS[type(value)]}, {shown}"
        super().__init__(f"{path} must be {expected}, got {received}{reason and f' ({reason})'}")
        self.path = path
        self.expected = expected
        self.received = received
        self.reason = reason


class Shape(abc.ABC):
    """What a JSON value may be; `expected` is what error texts call it."""

    expected: str
    # What a description says of how the value is written, whatever else it says.
    notation: str | None = None

    @abc.abstractmethod
    def write(self, writer: Writer) -> Schema:
        """Return the JSON Schema of this shape."""

    @abc.abstractmethod
    def convert(self, value: Any, path: str) -> Any:
        """Return what the tool is given for a value; `ConversionError` where it does not fit."""

    def check(self, value: Any, path: str) -> None:
        """Raise `ConversionError` where a result is not what the output schema says.

        Shapes that make objects of the tool's classes check without making any.
        """
        self.convert(value, path)


class Anything(Shape):
    """Any JSON value, taken as it is."""

    expected = "any value"

    def write(self, writer: Writer) -> Schema:
        """`{}`."""
        del writer
        return {}

    def convert(self, value: Any, path: str) -> Any:
        """Nothing to convert."""
        del path
        return value


class Writer:
    """Writes schemas; shapes that hold themselves go to `definitions`, all others stand in place.

    In an `output` schema stand the forms that results have.
    """

    def __init__(self, *, output: bool = False) -> None:
        self.output = output
        self.definitions: dict[str, Schema] = {}
        self._open: list[Named] = []
        self._names: dict[Named, str] = {}

    def of(self, shape: Shape, keywords: Schema | None = None) -> Schema:
        """Return the schema of a shape, or a reference to its definition, with more keywords."""
        schema = self._of(shape)
        if not keywords:
            return schema
        merged = schema | keywords
        if shape.notation and "description" in keywords:
            merged["description"] = f"{keywords['description']}\n{shape.notation}"
        return merged

    def _of(self, shape: Shape) -> Schema:
        if not isinstance(shape, Named):
            return shape.write(self)
        if shape in self._open:
            self._names.setdefault(shape, self._free(shape.name))
        if shape in self._names:
            return {"$ref": f"#/$defs/{self._names[shape]}"}
        self._open.append(shape)
        schema = shape.write(self)
        self._open.pop()
        name = self._names.get(shape)
        if name is None:
            return schema
        self.definitions[name] = schema
        return {"$ref": f"#/$defs/{name}"}

    def document(self, schema: Schema) -> Schema:
        """Return a schema with the definitions that it refers to, itself written out."""
        reference = schema.get("$ref")
        if reference is not None:
            schema = self.definitions[reference.removeprefix("#/$defs/")] | {
                key: value for key, value in schema.items() if key != "$ref"
            }
        return {**schema, "$defs": self.definitions} if self.definitions else schema

    def _free(self, name: str) -> str:
        number, free = 1, name
        while free in self._names.values():
            number += 1
            free = f"{name}{number}"
        return free


class Named(Shape):
    """A shape that may hold itself."""

    name: str


def listed(names: Iterable[str]) -> str:
    """Return `'a', 'b'`."""
    return ", ".join(repr(name) for name in names)
