"""Checks values against JSON Schema 2020-12.

The schema was looked at when the tool was saved: it is valid, and refers to nothing outside.
Formats, and what contents are encoded in, are not asserted.
"""

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from .patterns import PatternError, compiled
from .shapes import KINDS, ConversionError, listed


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


SHOWN_MAX = 10
TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "object": ("an object", lambda value: isinstance(value, dict)),
    "array": ("an array", lambda value: isinstance(value, list)),
    "string": ("a string", lambda value: isinstance(value, str)),
    "boolean": ("a boolean", lambda value: isinstance(value, bool)),
    "null": ("null", lambda value: value is None),
    "number": ("a number", _is_number),
    "integer": ("an integer", lambda value: _is_number(value) and value % 1 == 0),
}
BOUNDS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "minimum": ("at least", lambda value, bound: value >= bound),
    "maximum": ("at most", lambda value, bound: value <= bound),
    "exclusiveMinimum": ("more than", lambda value, bound: value > bound),
    "exclusiveMaximum": ("less than", lambda value, bound: value < bound),
}
SIZES = {
    "minLength": (str, "a string of at least", "characters"),
    "maxLength": (str, "a string of at most", "characters"),
    "minItems": (list, "an array of at least", "items"),
    "maxItems": (list, "an array of at most", "items"),
    "minProperties": (dict, "an object of at least", "members"),
    "maxProperties": (dict, "an object of at most", "members"),
}
type Schema = Any


class Seen:
    """The members and items of a value that some keyword has looked at."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.items: set[int] = set()

    def add(self, other: Seen) -> None:
        """Take over what another schema has looked at."""
        self.names |= other.names
        self.items |= other.items


class Validator:
    """Checks values against the parts of one document."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        self._anchors = {found["$anchor"]: found for found in _schemas(document)}
        # What is being checked: a schema that leads to itself says nothing more.
        self._open: set[tuple[int, int]] = set()

    def check(self, value: Any) -> None:
        """Raise `ConversionError` where a value does not fit the document."""
        self._check(self._document, value, "")

    def fits(self, schema: Schema, value: Any, path: str = "") -> bool:
        """Whether a value fits a part of the document."""
        return self._tried(schema, value, path)[1] is None

    def _tried(self, schema: Schema, value: Any, path: str) -> tuple[Seen, ConversionError | None]:
        try:
            return self._check(schema, value, path), None
        except ConversionError as error:
            return Seen(), error

    def _check(self, schema: Schema, value: Any, path: str) -> Seen:
        seen = Seen()
        if schema is False:
            raise ConversionError(path, "left out", value)
        if schema is True or not isinstance(schema, dict):
            return seen
        mark = (id(schema), id(value))
        if mark in self._open:
            return seen
        self._open.add(mark)
        try:
            if "$ref" in schema:
                seen.add(self._check(self._referred(schema["$ref"]), value, path))
            _check_kind(schema, value, path)
            _check_size(schema, value, path)
            self._check_combinations(schema, value, path, seen)
            if isinstance(value, dict):
                self._check_members(schema, value, path, seen)
            elif isinstance(value, list):
                self._check_items(schema, value, path, seen)
        finally:
            self._open.discard(mark)
        return seen

    def _referred(self, reference: str) -> Schema:
        """Return what a reference within the document names."""
        name = _unescaped(reference.removeprefix("#"))
        if not name:
            return self._document
        if not name.startswith("/"):
            return self._anchors[name]
        found = self._document
        for part in name[1:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found[key]
        return found

    def _check_combinations(self, schema: Schema, value: Any, path: str, seen: Seen) -> None:
        for part in schema.get("allOf", ()):
            seen.add(self._check(part, value, path))
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                self._check_options(keyword, schema[keyword], value, path, seen)
        if "not" in schema and self.fits(schema["not"], value, path):
            raise ConversionError(path, "something else than `not` says", value)
        if "if" in schema:
            found, error = self._tried(schema["if"], value, path)
            seen.add(found)
            branch = "then" if error is None else "else"
            if branch in schema:
                seen.add(self._check(schema[branch], value, path))

    def _check_options(
        self, keyword: str, options: list[Schema], value: Any, path: str, seen: Seen
    ) -> None:
        errors, fitting = [], 0
        for option in options:
            found, error = self._tried(option, value, path)
            if error is None:
                fitting += 1
                seen.add(found)
            else:
                errors.append(error)
        if not fitting:
            raise _told(errors, path, value)
        if keyword == "oneOf" and fitting > 1:
            expected = f"what fits exactly one of {len(options)} forms, not {fitting} of them"
            raise ConversionError(path, expected, value)

    def _check_members(self, schema: Schema, value: dict[str, Any], path: str, seen: Seen) -> None:
        _check_needed(schema, value, path)
        for name, part in schema.get("dependentSchemas", {}).items():
            if name in value:
                seen.add(self._check(part, value, path))
        if "propertyNames" in schema:
            for name in value:
                where = f"the name {json.dumps(name)[:60]} in {path or 'the arguments'}"
                self._check(schema["propertyNames"], name, where)
        own = set()
        for name, part in schema.get("properties", {}).items():
            if name in value:
                own.add(name)
                self._check(part, value[name], _member(path, name))
        for pattern, part in schema.get("patternProperties", {}).items():
            for name, item in value.items():
                if _matches(pattern, name, path):
                    own.add(name)
                    self._check(part, item, _member(path, name))
        if "additionalProperties" in schema:
            self._check_others(schema, "additionalProperties", value, path, own)
        seen.names |= own
        if "unevaluatedProperties" in schema:
            self._check_others(schema, "unevaluatedProperties", value, path, seen.names)

    def _check_others(
        self, schema: Schema, keyword: str, value: dict[str, Any], path: str, known: set[str]
    ) -> None:
        """Check the members that no other keyword is for."""
        for name in [name for name in value if name not in known]:
            if schema[keyword] is False:
                allowed = listed(schema.get("properties", {})) or "no members"
                expected = f"an object without {name!r}; known are {allowed}"
                raise ConversionError(path, expected, value)
            self._check(schema[keyword], value[name], _member(path, name))
            known.add(name)

    def _check_items(self, schema: Schema, value: list[Any], path: str, seen: Seen) -> None:
        first = schema.get("prefixItems", ())
        for index, (part, item) in enumerate(zip(first, value, strict=False)):
            self._check(part, item, f"{path}[{index}]")
            seen.items.add(index)
        if "items" in schema:
            for index in range(len(first), len(value)):
                self._check(schema["items"], value[index], f"{path}[{index}]")
                seen.items.add(index)
        if "contains" in schema:
            self._check_contains(schema, value, path, seen)
        if schema.get("uniqueItems") and len({_key(item) for item in value}) < len(value):
            raise ConversionError(path, "an array without repetitions", value)
        if "unevaluatedItems" in schema:
            for index, item in enumerate(value):
                if index not in seen.items:
                    self._check(schema["unevaluatedItems"], item, f"{path}[{index}]")
                    seen.items.add(index)

    def _check_contains(self, schema: Schema, value: list[Any], path: str, seen: Seen) -> None:
        part = schema["contains"]
        found = {
            index for index, item in enumerate(value) if self.fits(part, item, f"{path}[{index}]")
        }
        least, most = schema.get("minContains", 1), schema.get("maxContains")
        if len(found) < least or (most is not None and len(found) > most):
            bounds = f"at least {least}" if most is None else f"{least} to {most}"
            expected = f"an array with {bounds} items that `contains` allows"
            raise ConversionError(path, expected, value)
        seen.items |= found


def _check_needed(schema: Schema, value: dict[str, Any], path: str) -> None:
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        raise ConversionError(path, f"an object with {listed(missing)}", value)
    for name, needed in schema.get("dependentRequired", {}).items():
        missing = [other for other in needed if other not in value]
        if name in value and missing:
            expected = f"an object with {listed(missing)}, because it has {name!r}"
            raise ConversionError(path, expected, value)


def _check_kind(schema: Schema, value: Any, path: str) -> None:
    types = schema.get("type")
    if types is not None:
        names = [types] if isinstance(types, str) else types
        if not any(TYPES[name][1](value) for name in names):
            raise ConversionError(path, " or ".join(TYPES[name][0] for name in names), value)
    if "const" in schema and _key(value) != _key(schema["const"]):
        raise ConversionError(path, _shown([schema["const"]]), value)
    if "enum" in schema and _key(value) not in {_key(one) for one in schema["enum"]}:
        raise ConversionError(path, f"one of {_shown(schema['enum'])}", value)


def _check_size(schema: Schema, value: Any, path: str) -> None:
    if _is_number(value):
        for keyword, (words, holds) in BOUNDS.items():
            if keyword in schema and not holds(value, schema[keyword]):
                raise ConversionError(path, f"{words} {schema[keyword]}", value)
        step = schema.get("multipleOf")
        if step is not None and not _is_multiple(value, step):
            raise ConversionError(path, f"a multiple of {step}", value)
    for keyword, (kind, words, unit) in SIZES.items():
        if keyword in schema and isinstance(value, kind):
            size, bound = len(value), schema[keyword]
            if size < bound if keyword.startswith("min") else size > bound:
                raise ConversionError(path, f"{words} {bound} {unit}", value)
    if "pattern" in schema and isinstance(value, str):
        pattern = schema["pattern"]
        if not _matches(pattern, value, path):
            raise ConversionError(path, f"a string that matches {pattern[:200]}", value)


def _told(errors: list[ConversionError], path: str, value: Any) -> ConversionError:
    """Return the error that says most of why none of the options fits."""
    deepest = max(errors, key=lambda error: len(error.path))
    if len(deepest.path) > len(path) or len(errors) == 1:
        return deepest
    return ConversionError(path, " or ".join(dict.fromkeys(one.expected for one in errors)), value)


def _schemas(document: Any) -> Iterator[dict[str, Any]]:
    """Find the objects that have an anchor."""
    rest = [document]
    while rest:
        found = rest.pop()
        if isinstance(found, dict):
            if isinstance(found.get("$anchor"), str):
                yield found
            rest += [part for key, part in found.items() if key not in {"enum", "const"}]
        elif isinstance(found, list):
            rest += found


def _matches(pattern: str, text: str, path: str) -> bool:
    try:
        return compiled(pattern).search(text) is not None
    except PatternError as error:
        reason = f"the schema's pattern cannot be read: {error}"
        raise ConversionError(
            path, f"a string that matches {pattern[:200]}", text, reason
        ) from None


def _unescaped(text: str) -> str:
    """Return a fragment without its %XX."""
    first, *parts = text.encode().split(b"%")
    data = first + b"".join(bytes([int(part[:2], 16)]) + part[2:] for part in parts)
    return data.decode()


def _member(path: str, name: str) -> str:
    return f"{path}.{name[:60]}" if path else name[:60]


def _is_multiple(value: float, step: float) -> bool:
    try:
        # As they are written: 0.3 is three times 0.1.
        return Fraction(repr(value)) % Fraction(repr(step)) == 0
    except ValueError, OverflowError:
        return False


def _key(value: Any) -> Any:
    """Return what is equal for equal values: 1 is 1.0, and is not true."""
    if isinstance(value, dict):
        return ("object", frozenset((name, _key(item)) for name, item in value.items()))
    if isinstance(value, list):
        return ("array", tuple(_key(item) for item in value))
    return (KINDS[type(value)] if isinstance(value, bool | str) else "", value)


def _shown(values: list[Any]) -> str:
    texts = [json.dumps(value, ensure_ascii=False)[:60] for value in values[:SHOWN_MAX]]
    more = f", … ({len(values)} in all)" if len(values) > SHOWN_MAX else ""
    return ", ".join(texts) + more
