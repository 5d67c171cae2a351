"""What a call gives to `main`, and what its result is for.

The server writes it as JSON:

    {"values": {…},                                arguments by name
     "purpose": "tool" | "prompt" | "resource",    what `runner.py` makes of the result
     "uri": str | null,                            under which a resource is read
     "schema": {…} | null}                         JSON Schema that the arguments have to fit

Clients send the arguments of prompts and resources as texts: these are converted to what the
signature, or the schema, asks for.
"""

import json
from typing import Any

from . import texts
from .shapes import ConversionError, Shape
from .validation import Validator

TOOL, PROMPT, RESOURCE = "tool", "prompt", "resource"


class Given:
    """The arguments of one call."""

    def __init__(self, text: str) -> None:
        given = texts.read(text)
        self.values: dict[str, Any] = given["values"]
        self.purpose: str = given["purpose"]
        self.uri: str | None = given["uri"]
        self.schema: dict[str, Any] | None = given["schema"]

    @property
    def as_text(self) -> bool:
        """Whether numbers and the like arrive as text."""
        return self.purpose != TOOL

    def checked(self) -> dict[str, Any]:
        """Return the arguments, which fit the schema; raises `ConversionError`."""
        if self.schema is None:
            return self.values
        validator = Validator(self.schema)
        values = self.values
        if self.as_text:
            properties = self.schema.get("properties", {})
            values = {
                name: _fitting(validator, properties[name], value) if name in properties else value
                for name, value in values.items()
            }
        validator.check(values)
        return values


def convert(shape: Shape, value: Any, path: str) -> Any:
    """Return what the tool is given for a value that may be written as text."""
    try:
        return shape.convert(value, path)
    except ConversionError:
        if not isinstance(value, str):
            raise
        for candidate in _meanings(value):
            try:
                return shape.convert(candidate, path)
            except ConversionError:
                if isinstance(candidate, list | dict):
                    # What is wrong within it says more than that a text came.
                    raise
        raise


def _fitting(validator: Validator, schema: Any, value: Any) -> Any:
    """Return what a text means for a schema; the text itself where nothing fits better."""
    if isinstance(value, str) and not validator.fits(schema, value):
        for candidate in _meanings(value):
            if validator.fits(schema, candidate):
                return candidate
    return value


def _meanings(text: str) -> list[Any]:
    """Return the values that a text can stand for beside itself."""
    plain = text.strip()
    if not plain:
        return [None]
    if plain.lower() in {"true", "false"}:
        return [plain.lower() == "true"]
    try:
        return [json.loads(plain, parse_constant=_refuse)]
    except ValueError, RecursionError:
        return []


def _refuse(name: str) -> Any:
    raise ValueError(name)
