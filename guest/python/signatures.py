"""The signature of `main` as it is written, read without running anything of the tool.

Types that the tool itself defines stay any value: only executing the module level makes them.
"""

import ast
import builtins
import datetime
import inspect
import json
import sys
import typing
from types import ModuleType
from typing import Any

from . import imports
from .source import Tree, top_level

KINDS = inspect.Parameter
EMPTY = inspect.Parameter.empty
PROVIDED = {"json": json, "datetime": datetime}
BUILTIN_TYPES = {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type)}


class Written:
    """Reads annotations of a syntax tree; `notes` says which name nothing."""

    def __init__(self, tree: Tree) -> None:
        self.notes: list[str] = []
        self._main = tree.main
        self._own: set[str] = set()
        # Whether all names are known that the module level defines.
        self._complete = True
        self._known: dict[str, Any] = {**BUILTIN_TYPES, **PROVIDED}
        for statement in top_level(tree.module.body):
            self._define(statement)

    def signature(self) -> inspect.Signature:
        """Return the signature; defaults that are not literals are there, but not known."""
        arguments = self._main.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
        only = len(arguments.posonlyargs)
        found = [
            self._parameter(
                written,
                default,
                KINDS.POSITIONAL_ONLY if place < only else KINDS.POSITIONAL_OR_KEYWORD,
            )
            for place, (written, default) in enumerate(zip(positional, defaults, strict=True))
        ]
        if arguments.vararg is not None:
            found.append(self._parameter(arguments.vararg, None, KINDS.VAR_POSITIONAL))
        found += [
            self._parameter(written, default, KINDS.KEYWORD_ONLY)
            for written, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        ]
        if arguments.kwarg is not None:
            found.append(self._parameter(arguments.kwarg, None, KINDS.VAR_KEYWORD))
        return inspect.Signature(found, return_annotation=self._annotation(self._main.returns))

    def _parameter(self, written: ast.arg, default: ast.expr | None, kind: Any) -> KINDS:
        value = EMPTY if default is None else _literal(default)
        annotation = self._annotation(written.annotation)
        return KINDS(written.arg, kind, default=value, annotation=annotation)

    def _define(self, statement: ast.stmt) -> None:
        """Note what a statement of the module level defines."""
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                if alias.name == "*":
                    self._take_all(statement)
                    continue
                name = alias.asname or alias.name.partition(".")[0]
                self._known[name] = _imported(statement, alias)
                self._own.discard(name)
            return
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            self._own.add(statement.name)
            return
        # Also names that are bound within loops and the like: none of them is what it was before.
        self._own |= {
            found.id
            for found in ast.walk(statement)
            if isinstance(found, ast.Name) and isinstance(found.ctx, ast.Store)
        }

    def _take_all(self, statement: ast.Import | ast.ImportFrom) -> None:
        """Note what `from … import *` defines."""
        name = (isinstance(statement, ast.ImportFrom) and statement.module) or ""
        loaded = None if imports.refusal(name) else sys.modules.get(name)
        if loaded is None:
            self._complete = False
            return
        names = getattr(loaded, "__all__", [one for one in vars(loaded) if one[0] != "_"])
        self._known.update({one: getattr(loaded, one, Any) for one in names})
        self._own.difference_update(names)

    def _annotation(self, written: ast.expr | None) -> Any:
        if written is None:
            return EMPTY
        try:
            found = self._type(written)
        except Exception:
            # No type that can be put together from known ones.
            return Any
        return Any if isinstance(found, str) else found

    def _type(self, written: ast.expr) -> Any:
        match written:
            case ast.Constant(value=str() as text):
                return self._type(ast.parse(text.strip(), mode="eval").body)
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._name(name)
            case ast.Attribute(value=of, attr=name):
                holder = self._type(of)
                return getattr(holder, name) if isinstance(holder, ModuleType) else Any
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return typing.Union[self._type(left), self._type(right)]  # noqa: UP007
            case ast.List(elts=parts):
                return [self._type(part) for part in parts]
            case ast.Subscript(value=of, slice=inside):
                return self._generic(self._type(of), inside)
        return Any

    def _generic(self, kind: Any, inside: ast.expr) -> Any:
        if kind is Any:
            return Any
        parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
        if kind is typing.Literal:
            return kind[tuple(ast.literal_eval(part) for part in parts)]
        if kind is typing.Annotated:
            return kind[self._type(parts[0]), *(_literal(part) for part in parts[1:])]
        arguments = tuple(self._type(part) for part in parts)
        return kind[arguments if isinstance(inside, ast.Tuple) else arguments[0]]

    def _name(self, name: str) -> Any:
        if name in self._own:
            return Any
        if name in self._known:
            return self._known[name]
        note = f"the type {name!r} is not known: any value is taken"
        if self._complete and name not in vars(builtins) and note not in self.notes:
            self.notes.append(note)
        return Any


def _literal(written: ast.expr) -> Any:
    """Return the value of a literal; of anything else a value without a JSON form."""
    try:
        return ast.literal_eval(written)
    except Exception:
        return ...


def _imported(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> Any:
    """Return what an import yields, as far as it is loaded and a tool may import it."""
    if isinstance(statement, ast.Import):
        name = alias.name if alias.asname else alias.name.partition(".")[0]
        return Any if imports.refusal(alias.name) else sys.modules.get(name, Any)
    name = statement.module or ""
    if statement.level or imports.refusal(name):
        return Any
    inner = sys.modules.get(f"{name}.{alias.name}", Any)
    return getattr(sys.modules.get(name), alias.name, inner)
