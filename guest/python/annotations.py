"""From type annotations to shapes."""

import annotationlib
import collections
import dataclasses
import enum
import json
import types
import typing
from collections import abc
from typing import Any

from . import docstrings
from .alternatives import Choice, Flags, Union
from .containers import Alias, Array, Mapping, Member, Record, Tuple
from .results import NotSerializableError, enumerated, to_json
from .scalars import INTEGER, NULL, SCALARS, STRING, Text
from .shapes import KIND_NAMES, Anything, ConversionError, Schema, Shape

LISTS = {
    list: list,
    abc.Iterable: list,
    abc.Collection: list,
    abc.Sequence: list,
    abc.MutableSequence: list,
    collections.deque: collections.deque,
}
SETS = {set: set, abc.Set: set, abc.MutableSet: set, frozenset: frozenset}
DICTS = {
    dict: dict,
    abc.Mapping: dict,
    abc.MutableMapping: dict,
    collections.OrderedDict: collections.OrderedDict,
    collections.Counter: collections.Counter,
}
WRAPPERS = {typing.Required, typing.NotRequired, typing.ReadOnly, typing.Final, typing.ClassVar}
UNKNOWN = Anything()


class Types:
    """Reads annotations of one tool; `notes` says which could not be read."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.notes: list[str] = []
        self._namespace = namespace
        self._named: dict[Any, Shape] = {}

    def shape(self, annotation: Any) -> Shape:
        """Return the shape of an annotation; any value where it cannot be known."""
        annotation = self.resolve(annotation)
        try:
            known = SCALARS.get(annotation)
        except TypeError:
            known = None
        if known is not None:
            return known
        origin = typing.get_origin(annotation) or annotation
        arguments = typing.get_args(annotation)
        if not isinstance(origin, abc.Hashable):
            return self._unknown(annotation)
        if origin is typing.Annotated or origin in WRAPPERS:
            return self.shape(arguments[0]) if arguments else UNKNOWN
        if origin is typing.Union or origin is types.UnionType:
            return Union([self.shape(argument) for argument in arguments])
        if origin is typing.Literal:
            return _literal(arguments)
        return (
            self._collection(origin, arguments) or self._class(origin) or self._unknown(annotation)
        )

    def description(self, annotation: Any) -> str | None:
        """Return the text that `Annotated` holds."""
        annotation = self.resolve(annotation)
        if typing.get_origin(annotation) in WRAPPERS:
            return self.description(typing.get_args(annotation)[0])
        for extra in getattr(annotation, "__metadata__", ()):
            text = extra if isinstance(extra, str) else getattr(extra, "documentation", None)
            if isinstance(text, str):
                return text
        return None

    def resolve(self, annotation: Any) -> Any:
        """Return the type that a text or a forward reference names."""
        try:
            if isinstance(annotation, str):
                return self.resolve(eval(annotation, self._namespace))
            if isinstance(annotation, annotationlib.ForwardRef):
                return self.resolve(annotation.evaluate(globals=self._namespace))
        except Exception as error:
            text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
            self._note(f"the type {text!r} is not known ({error}): any value is taken")
            return Any
        return annotation

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def _unknown(self, annotation: Any) -> Shape:
        shown = annotation.__qualname__ if isinstance(annotation, type) else str(annotation)
        self._note(f"the type {shown} has no JSON form: any value is taken")
        return UNKNOWN

    def _collection(self, origin: Any, arguments: tuple[Any, ...]) -> Shape | None:
        if origin in LISTS:
            return Array(self.shape(arguments[0]) if arguments else UNKNOWN, LISTS[origin])
        if origin in SETS:
            return Array(
                self.shape(arguments[0]) if arguments else UNKNOWN, SETS[origin], unique=True
            )
        if origin in DICTS:
            return self._mapping(DICTS[origin], arguments)
        if origin is tuple:
            if not arguments:
                return Array(UNKNOWN, tuple)
            if arguments[-1] is ...:
                return Array(self.shape(arguments[0]), tuple)
            places = () if arguments == ((),) else arguments
            return Tuple([self.shape(place) for place in places], tuple)
        return None

    def _mapping(self, make: Any, arguments: tuple[Any, ...]) -> Shape:
        keys = self.shape(arguments[0]) if arguments else STRING
        counts = make is collections.Counter
        values = INTEGER if counts else self.shape(arguments[1]) if len(arguments) > 1 else UNKNOWN
        if keys is INTEGER:
            whole = Text({"pattern": r"^-?\d+$"}, "an integer", int)
            return Mapping(whole, values, {"pattern": r"^-?\d+$"}, make)
        if isinstance(keys, Choice) and all(isinstance(value, str) for value, _ in keys.choices):
            return Mapping(keys, values, {"enum": [value for value, _ in keys.choices]}, make)
        if isinstance(keys, Text):
            return Mapping(keys, values, keys.keywords, make)
        return Mapping(UNKNOWN, values, make=make)

    def _class(self, kind: Any) -> Shape | None:
        """Return the shape of a class, an alias or a type variable."""
        if kind in self._named:
            return self._named[kind]
        if isinstance(kind, typing.TypeAliasType):
            alias = self._named[kind] = Alias(kind.__name__)
            alias.shape = self._alias_value(kind)
            return alias
        if isinstance(kind, typing.NewType):
            return self.shape(kind.__supertype__)
        if isinstance(kind, typing.TypeVar):
            return self.shape(kind.__bound__) if kind.__bound__ is not None else UNKNOWN
        if not isinstance(kind, type):
            return None
        if issubclass(kind, enum.Enum):
            return _enumeration(kind)
        if typing.is_typeddict(kind):
            return self._typed_dictionary(kind)
        if dataclasses.is_dataclass(kind):
            return self._data_class(kind)
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            hints = _annotations(kind)
            places = [self.shape(hints.get(name, Any)) for name in kind._fields]
            return Tuple(places, kind._make)
        return None

    def _alias_value(self, alias: typing.TypeAliasType) -> Shape:
        try:
            return self.shape(alias.__value__)
        except NameError as error:
            self._note(f"the type {alias.__name__} is not known ({error}): any value is taken")
            return UNKNOWN

    def _typed_dictionary(self, kind: Any) -> Shape:
        text, texts = docstrings.parse(kind.__doc__)
        record = self._named[kind] = Record(kind.__name__, dict, text, closed=False)
        for name, annotation in _annotations(kind).items():
            resolved = self.resolve(annotation)
            required = name in kind.__required_keys__
            if typing.get_origin(resolved) in {typing.Required, typing.NotRequired}:
                required = typing.get_origin(resolved) is typing.Required
            keywords = described(self.description(resolved) or texts.get(name))
            record.members[name] = Member(self.shape(resolved), required, keywords)
        return record

    def _data_class(self, kind: Any) -> Shape:
        own = None if (kind.__doc__ or "").startswith(kind.__name__ + "(") else kind.__doc__
        text, texts = docstrings.parse(own)
        record = self._named[kind] = Record(kind.__name__, kind, text)
        for field in dataclasses.fields(kind):
            said = field.metadata.get("description") or getattr(field, "doc", None)
            keywords = described(said or self.description(field.type) or texts.get(field.name))
            if field.default is not dataclasses.MISSING:
                keywords |= published(field.default)
            required = field.default is field.default_factory is dataclasses.MISSING
            shape = nullable(self.shape(field.type), field.default)
            record.members[field.name] = Member(shape, required, keywords, given=field.init)
        return record


def nullable(shape: Shape, default: Any) -> Shape:
    """Allow null also where only the default says so."""
    if default is not None:
        return shape
    try:
        shape.convert(None, "")
    except ConversionError:
        return Union([shape, NULL])
    return shape


def described(text: str | None) -> Schema:
    """Return the keyword for a description, where there is one."""
    return {"description": text} if text else {}


def published(default: Any) -> Schema:
    """Return the keyword for a default, where it has a JSON form."""
    try:
        return {"default": json.loads(to_json(default))}
    except NotSerializableError:
        return {}


def _annotations(kind: type) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        merged |= annotationlib.get_annotations(base, format=annotationlib.Format.FORWARDREF)
    return merged


def _literal(values: tuple[Any, ...]) -> Shape:
    choices = []
    for value in values:
        plain = value.value if isinstance(value, enum.Enum) else value
        if type(plain) in KIND_NAMES:
            choices.append((plain, value))
    return Choice(choices) if choices else UNKNOWN


def _enumeration(kind: type[enum.Enum]) -> Shape:
    if issubclass(kind, enum.Flag):
        return Flags(kind)
    members = kind.__members__.values()
    choices = [(_simple(enumerated(member)), member) for member in members]
    own = kind.__dict__.get("__doc__")
    return Choice(choices, docstrings.parse(own)[0]) if choices else UNKNOWN


def _simple(value: Any) -> Any:
    """Return the value in JSON's own type, where its class is derived from that."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value
