"""Generic types: which types stand in the places of their variables."""

import annotationlib
import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Bound = Mapping[Any, Any]
Resolve = Callable[..., Any]


def key(kind: Any, arguments: tuple[Any, ...]) -> Any:
    """Return what a type with its arguments is known by."""
    try:
        hash(arguments)
    except TypeError:
        # Such as annotations with a list.
        return kind, repr(arguments)
    return (kind, arguments) if arguments else kind


def is_generic(kind: type) -> bool:
    """Whether a class or one it is derived from has type variables."""
    return issubclass(kind, typing.Generic)


def is_fixed(kind: Any) -> bool:
    """Whether all variables of a type stand for one type each."""
    return all(isinstance(variable, typing.TypeVar) for variable in variables(kind))


def variables(kind: Any) -> Sequence[Any]:
    """Return the variables of a class or an alias."""
    return getattr(kind, "__parameters__", ()) or getattr(kind, "__type_params__", ())


def bound(kind: Any, arguments: tuple[Any, ...]) -> Bound:
    """Return the arguments by their variables; no arguments leave these what they are."""
    if not is_fixed(kind):
        return {}
    return dict(zip(variables(kind), arguments, strict=False))


def names(kind: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """Return what the names of the variables of a type, and of its bases, stand for."""
    types_of = bound(kind, arguments)
    found: dict[str, Any] = {}
    for base, given in _bases(kind, types_of):
        found |= names(base, given)
    return found | {one.__name__: types_of.get(one, one) for one in variables(kind)}


def _bases(kind: Any, types_of: Bound) -> Iterator[tuple[type, tuple[Any, ...]]]:
    """Yield the classes that a generic class is derived from, the first last, with arguments."""
    if not isinstance(kind, type) or not is_generic(kind):
        return
    for base in reversed(types.get_original_bases(kind)):
        origin = typing.get_origin(base) or base
        if isinstance(origin, type) and origin not in {object, dict, tuple, typing.Generic}:
            yield origin, tuple(put(argument, types_of) for argument in typing.get_args(base))


def put(annotation: Any, types_of: Bound) -> Any:
    """Return an annotation with types in the places of variables."""
    if not types_of:
        return annotation
    if isinstance(annotation, typing.TypeVar):
        return types_of.get(annotation, annotation)
    if isinstance(annotation, dataclasses.InitVar):
        return dataclasses.InitVar(put(annotation.type, types_of))
    inside = getattr(annotation, "__parameters__", ())
    if typing.get_origin(annotation) is None or not inside:
        return annotation
    return annotation[tuple(types_of.get(variable, variable) for variable in inside)]


def annotations(kind: Any, arguments: tuple[Any, ...], resolve: Resolve) -> dict[str, Any]:
    """Return the annotations of a class and of those it is derived from.

    `resolve` is told what annotations are, and the type variables that texts may name.
    """
    if not is_generic(kind):
        return _plain(kind)
    types_of = bound(kind, arguments)
    merged: dict[str, Any] = {}
    raw: dict[str, Any] = {}
    for base, given in _bases(kind, types_of):
        raw |= _plain(base)
        merged |= annotations(base, given, resolve)
    own = names(kind, ())
    for name, annotation in _own(kind).items():
        # Typed dictionaries repeat what they are derived from.
        if name not in merged or raw[name] != annotation:
            merged[name] = put(resolve(annotation, own), types_of)
    return merged


def _plain(kind: type) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        merged |= _own(base)
    return merged


def _own(kind: type) -> dict[str, Any]:
    return annotationlib.get_annotations(kind, format=annotationlib.Format.FORWARDREF)
