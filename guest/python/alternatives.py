"""Shapes that are one of several: literals, enumerations, unions."""

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .scalars import INTEGER, Plain
from .shapes import KIND_NAMES, ConversionError, Schema, Shape, Writer


@dataclass(frozen=True)
class Choice(Shape):
    """One of some values: literals, or the members of an enumeration."""

    choices: Sequence[tuple[Any, Any]]
    text: str | None = None

    @property
    def expected(self) -> str:
        """The values, as JSON."""
        shown = [json.dumps(value, ensure_ascii=False) for value, _ in self.choices]
        return f"one of {', '.join(shown)}" if len(shown) > 1 else "".join(shown)

    def write(self, writer: Writer) -> Schema:
        """`{"enum": […]}`, with the type where there is one."""
        del writer
        values = [value for value, _ in self.choices]
        types = {KIND_NAMES[type(value)] for value in values}
        schema: Schema = {"type": types.pop()} if len(types) == 1 else {}
        schema["enum"] = values
        return schema | ({"description": self.text} if self.text else {})

    def convert(self, value: Any, path: str) -> Any:
        """Find the value; `1` is not `True`."""
        for choice, member in self.choices:
            if value == choice and isinstance(value, bool) == isinstance(choice, bool):
                return member
        raise ConversionError(path, self.expected, value)


@dataclass(frozen=True)
class Union(Shape):
    """Any of several shapes, tried in order."""

    options: Sequence[Shape]

    @property
    def expected(self) -> str:
        """What the options expect."""
        return " or ".join(dict.fromkeys(option.expected for option in self.options))

    def write(self, writer: Writer) -> Schema:
        """`{"anyOf": […]}`."""
        schemas: list[Schema] = []
        for option in self.options:
            schema = writer.of(option)
            if schema not in schemas:
                schemas.append(schema)
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}

    def convert(self, value: Any, path: str) -> Any:
        """Take a number's own type first, then the first shape that fits."""
        if isinstance(value, bool | int | float):
            own = KIND_NAMES[type(value)]
            if any(
                isinstance(option, Plain) and option.type_name == own for option in self.options
            ):
                return value
        errors = []
        for option in self.options:
            try:
                return option.convert(value, path)
            except ConversionError as error:
                errors.append(error)
        raise self._best(errors, value, path)

    def check(self, value: Any, path: str) -> None:
        """Any shape may fit."""
        errors = []
        for option in self.options:
            try:
                return option.check(value, path)
            except ConversionError as error:
                errors.append(error)
        raise self._best(errors, value, path)

    def _best(self, errors: list[ConversionError], value: Any, path: str) -> ConversionError:
        # An error further inside says more than that no option fits.
        deepest = max(errors, key=lambda error: len(error.path))
        if len(deepest.path) > len(path):
            return deepest
        return ConversionError(path, self.expected, value)


@dataclass(frozen=True)
class Flags(Shape):
    """A combination of flags, as their sum."""

    kind: type[enum.Flag]
    expected = "a sum of flags"

    def write(self, writer: Writer) -> Schema:
        """`{"type": "integer"}`."""
        return INTEGER.write(writer)

    def convert(self, value: Any, path: str) -> Any:
        """Make the combination."""
        try:
            return self.kind(INTEGER.convert(value, path))
        except ValueError:
            raise ConversionError(path, self.expected, value) from None

    def check(self, value: Any, path: str) -> None:
        """Any sum."""
        INTEGER.convert(value, path)
