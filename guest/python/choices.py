"""Shapes that are one of some values: literals and enumerations."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
            if _same(value, choice):
                return member
        raise ConversionError(path, self.expected, value)

    def has(self, value: Any) -> bool:
        """Whether a value is one of them."""
        return any(_same(value, choice) for choice, _ in self.choices)


def _same(value: Any, choice: Any) -> bool:
    return value == choice and isinstance(value, bool) == isinstance(choice, bool)
