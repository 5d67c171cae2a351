"""The flat schema of a form that a person fills in, from a schema or from a type."""

import dataclasses
import sys
import typing
from typing import Any

from .annotations import Types
from .shapes import KIND_NAMES, Schema, Writer

NULL = {"type": "null"}
PRIMITIVE = frozenset({"string", "number", "integer", "boolean"})
FORMATS = frozenset({"email", "uri", "date", "date-time"})
KEPT = frozenset(
    """
    type title description default enum enumNames oneOf anyOf items format minLength maxLength
    minimum maximum minItems maxItems
    """.split()
)


def schema_of(form: Any) -> Schema:
    """Return a schema as it is, or the one of a data class or typed dictionary."""
    if isinstance(form, dict):
        _check(form)
        return form
    if not (dataclasses.is_dataclass(form) or typing.is_typeddict(form)):
        message = (
            "schema must be a dict such as {'type': 'object', 'properties': {'name': {'type':"
            f" 'string'}}}}}}, a data class or a TypedDict, not {_name(form)}"
        )
        raise TypeError(message)
    kind = form if isinstance(form, type) else type(form)
    namespace = getattr(sys.modules.get(kind.__module__), "__dict__", {})
    writer = Writer()
    written = writer.document(writer.of(Types(namespace).shape(kind)))
    return _flat(written)


def _check(schema: Schema) -> None:
    """Refuse what no client can show as a form."""
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict):
        raise ValueError("schema must have 'type': 'object' and 'properties', which is a dict")
    for name, field in properties.items():
        if not (isinstance(name, str) and isinstance(field, dict)):
            raise TypeError(f"schema: the property {name!r} must be a dict: {{'type': 'string'}}")
        if field.get("type") == "object" or "$ref" in field or "properties" in field:
            raise ValueError(_nested(name))


def _flat(written: Schema) -> Schema:
    properties: Schema = {}
    required = []
    for name, field in written.get("properties", {}).items():
        properties[name], optional = _field(name, field)
        if name in written.get("required", ()) and not optional:
            required.append(name)
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    return schema


def _field(name: str, field: Schema) -> tuple[Schema, bool]:
    """Return the schema of a field, and whether it may be left empty."""
    optional = False
    choices = [choice for choice in field.get("anyOf", ()) if choice != NULL]
    if "anyOf" in field and len(choices) == 1:
        rest = {key: value for key, value in field.items() if key != "anyOf"}
        field, optional = choices[0] | rest, True
    if isinstance(field.get("type"), list):
        kinds = [kind for kind in field["type"] if kind != "null"]
        optional = optional or len(kinds) < len(field["type"])
        field = field | {"type": kinds[0] if len(kinds) == 1 else kinds}
    if None in field.get("enum", ()):
        field = field | {"enum": [value for value in field["enum"] if value is not None]}
        optional = True
    if "type" not in field and "enum" in field:
        kinds = {KIND_NAMES[type(value)] for value in field["enum"]}
        field = field | {"type": kinds.pop()} if len(kinds) == 1 else field
    field = {key: value for key, value in field.items() if key in KEPT}
    if field.get("format") not in FORMATS:
        field.pop("format", None)
    if field.get("default", ...) is None:
        del field["default"]
    if not (_is_primitive(field) or _is_selection(field)):
        raise TypeError(_nested(name))
    return field, optional


def _is_primitive(field: Schema) -> bool:
    kind = field.get("type")
    # Choices of a form are texts.
    return isinstance(kind, str) and kind in PRIMITIVE and ("enum" not in field or kind == "string")


def _is_selection(field: Schema) -> bool:
    items = field.get("items")
    return field.get("type") == "array" and isinstance(items, dict) and "enum" in items


def _nested(name: str) -> str:
    return (
        f"the field {name[:80]!r} cannot be in a form: fields are texts, numbers, booleans, choices"
        " of texts, and lists of such choices"
    )


def _name(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else type(value).__name__
