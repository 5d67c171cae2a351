"""Which expressions have the same value whenever they are evaluated, said without doing it."""

import ast
import builtins
import contextlib
import sys
from collections import ChainMap
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from . import harmless, imports

# Bound by the call: nobody knows them before.
OF_THE_CALL = frozenset({"arguments", "ctx", "http", "secrets"})


class NotConstantError(Exception):
    """Something may differ between two calls, or be noticed in one."""


@dataclass(frozen=True)
class Data:
    """A value that is made of literals and the library's objects: using it runs nothing else."""


@dataclass(frozen=True)
class Opaque:
    """A value that may be kept and passed on, but must not be called or looked into."""


@dataclass(frozen=True)
class Known:
    """Something of the library."""

    value: Any


@dataclass(eq=False)
class Own:
    """A class of the tool."""

    # Whether making an instance runs nothing of the tool.
    plain: bool = True
    # The members of an enumeration.
    members: set[str] | None = None


Kind = Data | Opaque | Known | Own
DATA, OPAQUE = Data(), Opaque()


@dataclass
class Scope:
    """The names that code at one place sees."""

    names: ChainMap[str, Kind] = field(default_factory=ChainMap)

    def inner(self) -> Scope:
        """Return a scope within this one."""
        return Scope(self.names.new_child())

    def bind(self, name: str, kind: Kind) -> None:
        """Give a name a meaning; one with several is not used for anything."""
        if name in OF_THE_CALL and len(self.names.maps) == 1:
            # The call gives its own meaning to it, after the module level was executed ahead.
            raise NotConstantError
        before = self.names.maps[0].get(name)
        if before is None and len(self.names.maps) == 1:
            before = _builtin(name)
        self.names.maps[0][name] = kind if before is None or _same(before, kind) else OPAQUE

    def find(self, name: str) -> Kind | None:
        """Return what a name means."""
        return self.names.get(name) or _builtin(name)


def _builtin(name: str) -> Kind | None:
    return Known(getattr(builtins, name)) if hasattr(builtins, name) else None


class Expressions:
    """Evaluates expressions to their kinds, or raises `NotConstantError`."""

    def of(self, node: ast.expr | None, scope: Scope) -> Kind:
        """Return the kind of an expression."""
        match node:
            case None | ast.Constant():
                return DATA
            case ast.Name(id=name):
                return self._name(name, scope)
            case ast.Attribute():
                return self._attribute(node, scope)
            case ast.Call():
                return self._call(node, scope)
            case ast.Lambda(args=arguments):
                self.defaults(arguments, scope)
                return OPAQUE
            case ast.BinOp(left=left, op=operation, right=right):
                kind = self._all([left, right], scope)
                if isinstance(operation, ast.Mod) and kind is not DATA:
                    raise NotConstantError
                return kind
            case ast.JoinedStr() | ast.FormattedValue():
                return self._formatted(node, scope)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node, scope)
            case ast.NamedExpr() | ast.Await() | ast.Yield() | ast.YieldFrom():
                raise NotConstantError
        # Displays, operators, comparisons, conditions, subscripts, slices: their parts decide.
        parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
        return self._all(parts, scope)

    def data(self, node: ast.expr | None, scope: Scope) -> None:
        """Raise unless an expression is data."""
        if not _is_data(self.of(node, scope)):
            raise NotConstantError

    def defaults(self, arguments: ast.arguments, scope: Scope) -> None:
        """Check the default values of parameters."""
        self._all([*arguments.defaults, *filter(None, arguments.kw_defaults)], scope)

    def _all(self, nodes: list[ast.expr], scope: Scope) -> Kind:
        kinds = [self.of(node, scope) for node in nodes]
        return DATA if all(_is_data(kind) for kind in kinds) else OPAQUE

    def _name(self, name: str, scope: Scope) -> Kind:
        kind = scope.find(name)
        if kind is None:
            raise NotConstantError
        return kind

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Kind:
        holder = self.of(node.value, scope)
        match holder:
            case Known(value=value) if isinstance(value, ModuleType | type):
                found = getattr(value, node.attr, NotConstantError)
                if found is not NotConstantError:
                    return known(found)
            case Own(members=set() as members) if node.attr in members:
                return OPAQUE
            case Opaque() if node.attr in {"value", "name"} and _is_member(node.value, self, scope):
                return OPAQUE
        raise NotConstantError

    def _call(self, node: ast.Call, scope: Scope) -> Kind:
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        kind = self._all(given, scope)
        if isinstance(node.func, ast.Attribute) and node.func.attr in harmless.METHODS:
            with contextlib.suppress(NotConstantError):
                self.data(node.func.value, scope)
                if kind is DATA:
                    return DATA
        match self.of(node.func, scope):
            case Known(value=callee) if kind is DATA and harmless.among(callee, harmless.PURE):
                return DATA
            case Known(value=callee) if kind is DATA and harmless.among(callee, harmless.MAKING):
                return OPAQUE
            case Known(value=callee) if harmless.among(callee, harmless.HOLDING):
                if not any(keyword.arg is None for keyword in node.keywords):
                    return OPAQUE
            case Own(plain=True, members=None):
                return OPAQUE
        raise NotConstantError

    def _formatted(self, node: ast.JoinedStr | ast.FormattedValue, scope: Scope) -> Kind:
        for part in ast.iter_child_nodes(node):
            self.data(part, scope)
        return DATA

    def _comprehension(self, node: Any, scope: Scope) -> Kind:
        inner = scope.inner()
        for generator in node.generators:
            if generator.is_async:
                raise NotConstantError
            kind = self.of(generator.iter, inner)
            bind_target(generator.target, DATA if kind is DATA else OPAQUE, inner)
            self._all(generator.ifs, inner)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        return self._all(parts, inner)


def bind_target(target: ast.expr, kind: Kind, scope: Scope) -> None:
    """Bind the names of an assignment's left side."""
    match target:
        case ast.Name(id=name):
            scope.bind(name, kind)
        case ast.Starred(value=inner):
            bind_target(inner, kind, scope)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                bind_target(part, DATA if kind is DATA else OPAQUE, scope)
        case _:
            raise NotConstantError


def known(value: Any) -> Kind:
    """Return the kind of something of the library."""
    if isinstance(value, ModuleType):
        if imports.refusal(value.__name__) or sys.modules.get(value.__name__) is not value:
            # A way to the interpreter's own state.
            raise NotConstantError
        return Known(value)
    return Known(value) if callable(value) else DATA


def _same(one: Kind, other: Kind) -> bool:
    if isinstance(one, Known) and isinstance(other, Known):
        return one.value is other.value
    return one is other


def _is_data(kind: Kind) -> bool:
    """Whether a value is data; a function that may be called with data counts as such."""
    match kind:
        case Data():
            return True
        case Known(value=value):
            return harmless.among(value, harmless.PURE)
    return False


def _is_member(node: ast.expr, expressions: Expressions, scope: Scope) -> bool:
    if not isinstance(node, ast.Attribute):
        return False
    match expressions.of(node.value, scope):
        case Own(members=set() as members):
            return node.attr in members
    return False
