"""The parameters of `main`: their schema, and how arguments are given to them."""

import annotationlib
import difflib
import inspect
from collections.abc import Callable
from typing import Any, Self

from .annotations import Types, described, nullable, published
from .given import Given, convert
from .scalars import Attached
from .shapes import ConversionError, Schema, Shape, Writer, listed

EMPTY = inspect.Parameter.empty
# Names that similar ones are sought for, and how much of each is read.
GUESSES_MAX = 3
NAME_MAX = 60
BY_POSITION = inspect.Parameter.POSITIONAL_ONLY
ALL_POSITIONS = inspect.Parameter.VAR_POSITIONAL
ALL_NAMES = inspect.Parameter.VAR_KEYWORD


class ArgumentError(Exception):
    """The arguments are not those that `main` takes; the text says which, and what it takes."""


class Parameters:
    """The parameters of one signature, with their shapes."""

    @classmethod
    def of(cls, function: Callable[..., Any], types: Types) -> Self:
        """Return the parameters of a function."""
        forward = annotationlib.Format.FORWARDREF
        return cls(inspect.signature(function, annotation_format=forward), types)

    def __init__(self, signature: inspect.Signature, types: Types) -> None:
        self.signature = signature
        self.types = types
        self.named: dict[str, inspect.Parameter] = {}
        self.shapes: dict[str, Shape] = {}
        self.others: Shape | None = None
        self.required: list[str] = []
        # With the values of those that are not given.
        self.by_position: list[tuple[str, Any]] = []
        for parameter in self.signature.parameters.values():
            annotation = Any if parameter.annotation is EMPTY else parameter.annotation
            if parameter.kind is ALL_NAMES:
                self.others = types.shape(annotation)
            elif parameter.kind is not ALL_POSITIONS:
                self.named[parameter.name] = parameter
                shape = types.shape(annotation)
                self.shapes[parameter.name] = nullable(shape, parameter.default)
                if parameter.default is EMPTY:
                    self.required.append(parameter.name)
                if parameter.kind is BY_POSITION:
                    self.by_position.append((parameter.name, parameter.default))

    def schema(self, texts: dict[str, str]) -> Schema:
        """Return the JSON Schema of the arguments; `texts` are the docstring's."""
        writer = Writer()
        properties = {}
        for name, parameter in self.named.items():
            text = self.types.description(parameter.annotation) or texts.get(name)
            default = {} if parameter.default is EMPTY else published(parameter.default)
            properties[name] = writer.of(self.shapes[name], described(text) | default)
        schema: Schema = {"type": "object", "properties": properties}
        if self.required:
            schema["required"] = self.required
        schema["additionalProperties"] = False if self.others is None else writer.of(self.others)
        return writer.document(schema)

    def result_schema(self) -> Schema | None:
        """Return the JSON Schema of the result, where it is an object."""
        annotation = self.signature.return_annotation
        if annotation is EMPTY:
            return None
        shape = self.types.shape(annotation)
        if isinstance(shape, Attached):
            # The whole result is a block, and not JSON.
            return None
        writer = Writer(output=True)
        schema = writer.document(writer.of(shape))
        return schema if schema.get("type") == "object" else None

    def result_shape(self) -> Shape | None:
        """Return the shape of the result, where its schema is published."""
        if self.result_schema() is None:
            return None
        return self.types.shape(self.signature.return_annotation)

    def bind(self, given: Given) -> tuple[list[Any], dict[str, Any]]:
        """Return what `main` is called with; raises `ArgumentError` and `ConversionError`."""
        arguments = given.checked()
        if given.schema is not None and self.others is None:
            # `main` finds those that only the schema knows in `arguments`.
            arguments = {name: arguments[name] for name in arguments if name in self.named}
        self._check_names(arguments)
        positions: list[Any] = []
        names: dict[str, Any] = {}
        for name, value in arguments.items():
            shape = self.shapes.get(name, self.others)
            if shape is None:
                names[name] = value
            elif not given.as_text:
                names[name] = shape.convert(value, name)
            elif value != "" or not self._is_left_out(shape, name):
                names[name] = convert(shape, value, name)
        for name, default in self.by_position:
            positions.append(names.pop(name, default))
        return positions, names

    def _is_left_out(self, shape: Shape, name: str) -> bool:
        """Whether an empty text is no value: forms send one for what nobody filled in."""
        if name not in self.named or name in self.required:
            return False
        try:
            shape.convert("", name)
        except ConversionError:
            return True
        return False

    def _check_names(self, arguments: dict[str, Any]) -> None:
        missing = [name for name in self.required if name not in arguments]
        unknown = []
        if self.others is None:
            unknown = [name for name in arguments if name not in self.named]
        faults = [f"missing {_counted(missing)}"] if missing else []
        if unknown:
            free = [name for name in self.named if name not in arguments]
            faults.append(f"unknown {_counted(unknown)}{_meant(unknown, free)}")
        if faults:
            raise ArgumentError(f"{' and '.join(faults)}; {self._takes()}")

    def _takes(self) -> str:
        return f"main takes {listed(self.named) if self.named else 'no arguments'}"


def _meant(unknown: list[str], free: list[str]) -> str:
    """Ask for those of the free names that look like the unknown ones."""
    folded = {name.replace("_", "").lower(): name for name in free}
    similar = [
        folded[match]
        for name in unknown[:GUESSES_MAX]
        for match in difflib.get_close_matches(
            name[:NAME_MAX].replace("_", "").lower(), folded, n=1
        )
    ]
    return f" (did you mean {listed(dict.fromkeys(similar))}?)" if similar else ""


def _counted(names: list[str]) -> str:
    return f"argument{'s' if len(names) > 1 else ''} {listed(names)}"
