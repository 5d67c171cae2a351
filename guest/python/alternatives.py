"""Shapes that are one of several, or made of several: unions and flags."""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .containers import Alias, Record
from .records import meant
from .scalars import INTEGER, Plain
from .shapes import KIND_NAMES, ConversionError, Schema, Shape, Writer


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
        return self._first(lambda option: option.convert(value, path), value, path)

    def check(self, value: Any, path: str) -> None:
        """Any shape may fit."""
        self._first(lambda option: option.check(value, path), value, path, output=True)

    def _first(
        self, take: Callable[[Shape], Any], value: Any, path: str, *, output: bool = False
    ) -> Any:
        """Return what the first option makes that fits; else raise what says most."""
        errors = []
        for option in self.options:
            try:
                return take(option)
            except ConversionError as error:
                errors.append(error)
        records = _records(self.options) if isinstance(value, dict) else []
        if records:
            # Raises: its own fault says more than that no option fits.
            take(meant(records, value, path, output=output))
        deepest = max(errors, key=lambda error: len(error.path))
        if len(deepest.path) > len(path):
            raise deepest
        raise ConversionError(path, self.expected, value)


def _records(options: Sequence[Shape]) -> list[Record]:
    """Return the options that are records, by whatever name and in whatever union."""
    found, shapes = [], list(options)
    seen: list[Shape] = []
    for shape in shapes:
        if any(shape is one for one in seen):
            # An alias may stand for itself.
            continue
        seen.append(shape)
        if isinstance(shape, Record):
            found.append(shape)
        elif isinstance(shape, Alias):
            shapes.append(shape.shape)
        elif isinstance(shape, Union):
            shapes += shape.options
    return found


@dataclass(frozen=True)
class Flags(Shape):
    """A combination of flags, as their sum."""

    kind: type[enum.Flag]
    text: str | None = None

    @property
    def expected(self) -> str:
        """The flags with their numbers."""
        members = self.kind.__members__.items()
        listed = ", ".join(f"{name} = {member.value}" for name, member in members)
        return f"a sum of: {listed}"

    @property
    def notation(self) -> str:
        """The same as a sentence."""
        return f"A{self.expected[1:]}"

    def write(self, writer: Writer) -> Schema:
        """`{"type": "integer", …}`, with its bounds where other bits are not allowed."""
        text = f"{self.text}\n{self.notation}" if self.text else self.notation
        schema = INTEGER.write(writer) | {"description": text}
        return schema | ({"minimum": 0, "maximum": self._all()} if self._is_strict() else {})

    def convert(self, value: Any, path: str) -> Any:
        """Make the combination."""
        self.check(value, path)
        return self.kind(int(value))

    def check(self, value: Any, path: str) -> None:
        """Take a sum of the flags, or any integer where the class does so."""
        try:
            INTEGER.check(value, path)
        except ConversionError:
            raise ConversionError(path, self.expected, value) from None
        if self._is_strict() and (value < 0 or int(value) & ~self._all()):
            raise ConversionError(path, self.expected, value)

    def _is_strict(self) -> bool:
        return self.kind._boundary_ in {enum.STRICT, enum.CONFORM}

    def _all(self) -> int:
        found = 0
        for member in self.kind.__members__.values():
            found |= member.value
        return found
