"""From type annotations to shapes."""

import annotationlib
import collections
import contextlib
import dataclasses
import enum
import json
import types
import typing
from collections import abc
from collections.abc import Iterable, Iterator
from typing import Any

from . import docstrings, generics
from .alternatives import Flags, Union
from .choices import Choice
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
# What makes an empty one, and runs nothing of the tool.
COLLECTIONS = {*LISTS.values(), *SETS.values(), *DICTS.values(), tuple}
# The most types with names of one tool, and within one another, beyond which generic ones stay any
# value.
NAMED_MAX = 200
NESTING_MAX = 15
WRAPPERS = {typing.Required, typing.NotRequired, typing.ReadOnly, typing.Final, typing.ClassVar}
UNKNOWN = Anything()


class Types:
    """Reads annotations of one tool; `notes` says which could not be read."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.notes: list[str] = []
        self._namespace = namespace
        self._named: dict[Any, Shape] = {}
        # What names of type variables stand for where annotations are being read.
        self._variables: dict[str, Any] = {}
        self._depth = 0

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
        if isinstance(origin, dataclasses.InitVar):
            return self.shape(origin.type)
        if origin is typing.Union or origin is types.UnionType:
            return Union([self.shape(argument) for argument in arguments])
        if origin is typing.Literal:
            return _literal(arguments)
        return (
            self._collection(origin, arguments)
            or self._class(origin, arguments)
            or self._unknown(annotation)
        )

    def description(self, annotation: Any) -> str | None:
        """Return the text that `Annotated` holds."""
        annotation = self.resolve(annotation)
        if isinstance(annotation, dataclasses.InitVar):
            return self.description(annotation.type)
        if typing.get_origin(annotation) in WRAPPERS:
            return self.description(typing.get_args(annotation)[0])
        for extra in getattr(annotation, "__metadata__", ()):
            text = extra if isinstance(extra, str) else getattr(extra, "documentation", None)
            if isinstance(text, str):
                return text
        return None

    def resolve(self, annotation: Any, variables: dict[str, Any] | None = None) -> Any:
        """Return the type that a text or a forward reference names, or one of the `variables`."""
        known = self._variables if variables is None else variables
        try:
            if isinstance(annotation, str):
                return self.resolve(eval(annotation, self._namespace, known), known)
            if isinstance(annotation, annotationlib.ForwardRef):
                found = annotation.evaluate(globals=self._namespace, locals=known)
                return self.resolve(found, known)
        except Exception as error:
            text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
            self._not_known(text, error)
            return Any
        return annotation

    def _not_known(self, text: str, error: Exception) -> None:
        name = error.name if isinstance(error, NameError) else None
        why = "" if name else f" ({error})"
        self._note(f"the type {name or text!r} is not known{why}: any value is taken")

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def _unknown(self, annotation: Any) -> Shape:
        shown = annotation.__qualname__ if isinstance(annotation, type) else str(annotation)
        problem = "has no JSON form"
        if isinstance(annotation, types.ModuleType):
            shown, problem = annotation.__name__, "is a module"
            same = shown.rpartition(".")[2]
            if isinstance(getattr(annotation, same, None), type):
                problem += f", write {shown}.{same}"
        self._note(f"the type {shown} {problem}: any value is taken")
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

    def _class(self, kind: Any, arguments: tuple[Any, ...]) -> Shape | None:
        """Return the shape of a class or an alias, with its arguments, or of a type variable."""
        key = generics.key(kind, arguments)
        if key in self._named:
            return self._named[key]
        if arguments and (self._depth >= NESTING_MAX or len(self._named) >= NAMED_MAX):
            # A generic type may stand for ever larger ones.
            return None
        if arguments and not generics.is_fixed(kind):
            self._note(f"the type {kind.__name__} takes any number of types: they stay any value")
        if isinstance(kind, typing.TypeAliasType):
            alias = self._named[key] = Alias(kind.__name__)
            with self._inside(kind, arguments):
                alias.shape = self._alias_value(kind, arguments)
            return alias
        if isinstance(kind, typing.NewType):
            return self.shape(kind.__supertype__)
        if isinstance(kind, typing.TypeVar):
            return self._variable(kind)
        if not isinstance(kind, type):
            return None
        if issubclass(kind, enum.Enum):
            return _enumeration(kind)
        with self._inside(kind, arguments):
            return self._members(kind, arguments)

    @contextlib.contextmanager
    def _inside(self, kind: Any, arguments: tuple[Any, ...]) -> Iterator[None]:
        """Let texts name the variables of a type."""
        outer, self._variables = self._variables, generics.names(kind, arguments)
        self._depth += 1
        try:
            yield
        finally:
            self._variables = outer
            self._depth -= 1

    def _members(self, kind: type, arguments: tuple[Any, ...]) -> Shape | None:
        """Return the shape of a class whose members are known."""
        if typing.is_typeddict(kind):
            return self._typed_dictionary(kind, arguments)
        if dataclasses.is_dataclass(kind):
            return self._data_class(kind, arguments)
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return self._named_tuple(kind, arguments)
        return None

    def _variable(self, variable: typing.TypeVar) -> Shape:
        """Return the shape of a type variable that nothing is put in the place of."""
        if variable.has_default():
            return self.shape(variable.__default__)
        if variable.__constraints__:
            return Union([self.shape(one) for one in variable.__constraints__])
        return self.shape(variable.__bound__) if variable.__bound__ is not None else UNKNOWN

    def _alias_value(self, alias: typing.TypeAliasType, arguments: tuple[Any, ...]) -> Shape:
        try:
            value = self.resolve(alias.__value__)
            return self.shape(generics.put(value, generics.bound(alias, arguments)))
        except NameError as error:
            self._not_known(alias.__name__, error)
            return UNKNOWN

    def _named_tuple(self, kind: Any, arguments: tuple[Any, ...]) -> Shape:
        hints = generics.annotations(kind, arguments, self.resolve)
        _, texts = docstrings.parse(kind.__doc__)
        defaults = getattr(kind, "_field_defaults", {})
        places, keywords = [], []
        for name in kind._fields:
            annotation = hints.get(name, Any)
            more = {"title": name} | described(self.description(annotation) or texts.get(name))
            shape = self.shape(annotation)
            if name in defaults:
                shape = nullable(shape, defaults[name])
                more |= published(defaults[name])
            places.append(shape)
            keywords.append(more)

        def make(given: Iterable[Any]) -> Any:
            values = list(given)
            return kind._make(values + [defaults[name] for name in kind._fields[len(values) :]])

        return Tuple(places, make, keywords, kind._fields, len(defaults))

    def _typed_dictionary(self, kind: Any, arguments: tuple[Any, ...]) -> Shape:
        text, texts = docstrings.parse(kind.__doc__)
        record = Record(kind.__name__, dict, text, closed=False)
        self._named[generics.key(kind, arguments)] = record
        for name, annotation in generics.annotations(kind, arguments, self.resolve).items():
            resolved = self.resolve(annotation)
            required = name in kind.__required_keys__
            if typing.get_origin(resolved) in {typing.Required, typing.NotRequired}:
                required = typing.get_origin(resolved) is typing.Required
            keywords = described(self.description(resolved) or texts.get(name))
            record.members[name] = Member(self.shape(resolved), required, keywords)
        return record

    def _data_class(self, kind: Any, arguments: tuple[Any, ...]) -> Shape:
        own = None if (kind.__doc__ or "").startswith(kind.__name__ + "(") else kind.__doc__
        text, texts = docstrings.parse(own)
        record = self._named[generics.key(kind, arguments)] = Record(kind.__name__, kind, text)
        generic = generics.is_generic(kind)
        hints = generics.annotations(kind, arguments, self.resolve) if generic else {}
        for field in kind.__dataclass_fields__.values():
            if field._field_type is dataclasses._FIELD_CLASSVAR:
                continue
            annotation = hints.get(field.name, field.type)
            said = field.metadata.get("description") or getattr(field, "doc", None)
            keywords = described(said or self.description(annotation) or texts.get(field.name))
            if field.default is not dataclasses.MISSING:
                keywords |= published(field.default)
            elif any(field.default_factory is one for one in COLLECTIONS):
                keywords |= published(field.default_factory())
            required = field.default is field.default_factory is dataclasses.MISSING
            shape = nullable(self.shape(annotation), field.default)
            kept = field._field_type is not dataclasses._FIELD_INITVAR
            record.members[field.name] = Member(shape, required, keywords, field.init, kept)
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
        return {"default": json.loads(to_json(default, given=True))}
    except NotSerializableError:
        return {}


def _literal(values: tuple[Any, ...]) -> Shape:
    choices = []
    for value in values:
        plain = value.value if isinstance(value, enum.Enum) else value
        if type(plain) in KIND_NAMES:
            choices.append((plain, value))
    return Choice(choices) if choices else UNKNOWN


def _enumeration(kind: type[enum.Enum]) -> Shape:
    text = docstrings.parse(kind.__dict__.get("__doc__"))[0]
    if not kind.__members__:
        return UNKNOWN
    if issubclass(kind, enum.Flag):
        return Flags(kind, text)
    members = kind.__members__.values()
    return Choice([(_simple(enumerated(member)), member) for member in members], text)


def _simple(value: Any) -> Any:
    """Return the value in JSON's own type, where its class is derived from that."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value
