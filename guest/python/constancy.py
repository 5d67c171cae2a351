"""Whether a module level consists of imports, definitions and constants only.

Such a tool can be loaded once and its instance copied for every call, and nobody can tell the
difference but by the clock. Everything that is not known to be harmless counts as not constant: the
module level is then executed within each call, which is always right and only slower.
"""

import ast
import sys
import typing
import warnings
from typing import Any

from . import harmless, imports
from .constants import (
    DATA,
    OF_THE_CALL,
    OPAQUE,
    Expressions,
    Kind,
    Known,
    NotConstantError,
    Own,
    Scope,
    bind_target,
    known,
)
from .signatures import PROVIDED

# Methods that run while classes are made, subclassed or subscripted.
OF_CLASSES = frozenset({"__class_getitem__", "__init_subclass__", "__subclasshook__"})
# Methods of enumerations that reading signatures does not call.
OF_MEMBERS = frozenset({"__doc__", "__format__", "__repr__", "__str__", "_missing_"})
GUARD = ast.dump(ast.parse('__name__ == "__main__"', mode="eval").body)

# What `typing.TYPE_CHECKING` is.
NEVER = Known(value=False)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_constant(module: ast.Module) -> bool:
    """Say whether a module may be executed ahead of the call."""
    try:
        with warnings.catch_warnings(record=True):
            Level(module).check()
    except Exception:
        # Also where looking at the library for a name fails: importing it would fail, too.
        return False
    return True


class Level:
    """The module level of one tool."""

    def __init__(self, module: ast.Module) -> None:
        self._body = module.body
        self._expressions = Expressions()
        self._scope = Scope()
        self._later: list[tuple[ast.expr, Scope]] = []
        for name in ("__name__", "__file__"):
            self._scope.bind(name, DATA)
        for name, value in PROVIDED.items():
            self._scope.bind(name, Known(value))

    def check(self) -> None:
        """Raise `NotConstantError` unless all statements are constant."""
        self._statements(self._body, self._scope, None)
        # Annotations are evaluated late, and see the names as they are in the end.
        for annotation, scope in self._later:
            self._annotation(annotation, scope)

    def _statements(self, body: list[ast.stmt], scope: Scope, owner: Own | None) -> None:
        for statement in body:
            self._statement(statement, scope, owner)

    def _statement(self, node: ast.stmt, scope: Scope, owner: Own | None) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node, scope)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, scope, owner)
            case ast.ClassDef():
                self._class(node, scope, owner)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.TypeAlias():
                self._assignment(node, scope, owner)
            case ast.Expr(value=value):
                self._expressions.of(value, scope)
            case ast.If(test=test, body=inner, orelse=otherwise):
                if not self._is_skipped(test, scope):
                    self._expressions.of(test, scope)
                    self._statements(inner, scope, owner)
                self._statements(otherwise, scope, owner)
            case ast.Try():
                self._try(node, scope, owner)
            case ast.Pass():
                pass
            case _:
                raise NotConstantError

    def _is_skipped(self, test: ast.expr, scope: Scope) -> bool:
        if ast.dump(test) == GUARD:
            return scope.find("__name__") is DATA
        if isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING":
            holder = self._expressions.of(test.value, scope)
            return isinstance(holder, Known) and holder.value is typing
        return isinstance(test, ast.Name) and scope.find(test.id) is NEVER

    def _try(self, node: ast.Try, scope: Scope, owner: Own | None) -> None:
        self._statements(node.body, scope, owner)
        for handler in node.handlers:
            self._expressions.of(handler.type, scope)
            if handler.name is not None:
                scope.bind(handler.name, OPAQUE)
            self._statements(handler.body, scope, owner)
        self._statements(node.orelse, scope, owner)
        self._statements(node.finalbody, scope, owner)

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        """Bind what an import yields; the modules are in the snapshot, so that none is executed."""
        module = "" if isinstance(node, ast.Import) else node.module or ""
        if isinstance(node, ast.ImportFrom) and node.level:
            raise NotConstantError
        if module == "__future__":
            return
        for alias in node.names:
            if alias.name == "*":
                found = sys.modules[_allowed(module)]
                for name in getattr(found, "__all__", None) or vars(found):
                    scope.bind(name, known(getattr(found, name)))
            elif module:
                found = sys.modules[_allowed(module)]
                never = (module, alias.name) == ("typing", "TYPE_CHECKING")
                kind = NEVER if never else known(_member(found, alias.name))
                scope.bind(alias.asname or alias.name, kind)
            else:
                name = _allowed(alias.name)
                name = name if alias.asname else name.partition(".")[0]
                scope.bind(alias.asname or name, Known(sys.modules[name]))

    def _assignment(self, node: Any, scope: Scope, owner: Own | None) -> None:
        if isinstance(node, ast.TypeAlias):
            inner = self._parameters(node.type_params, scope)
            self._later.append((node.value, inner))
            bind_target(node.name, OPAQUE, scope)
            return
        if isinstance(node, ast.AnnAssign):
            self._later.append((node.annotation, scope))
            if node.value is None:
                return
        kind = self._expressions.of(node.value, scope)
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Subscript):
                # Into something of the tool's own, which is data and stays so.
                self._expressions.data(target, scope)
                self._expressions.data(node.value, scope)
            else:
                if isinstance(node, ast.AugAssign):
                    self._expressions.data(target, scope)
                    self._expressions.data(node.value, scope)
                bind_target(target, kind, scope)
        if owner is not None:
            self._in_class(node, kind, owner)

    def _in_class(self, node: Any, kind: Kind, owner: Own) -> None:
        """Note what an assignment means for the class that it stands in."""
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            names = {found.id for found in ast.walk(target) if isinstance(found, ast.Name)}
            _check_class_names(names, owner)
            if owner.members is not None:
                owner.members |= names
        if kind is not DATA:
            owner.plain = False

    def _function(self, node: Function, scope: Scope, owner: Own | None) -> None:
        self._decorators(node.decorator_list, scope)
        self._expressions.defaults(node.args, scope)
        inner = self._parameters(node.type_params, scope)
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += filter(None, [arguments.vararg, arguments.kwarg])
        for annotation in [*(found.annotation for found in every), node.returns]:
            if annotation is not None:
                self._later.append((annotation, inner))
        if owner is not None:
            _check_class_names({node.name}, owner)
            special = node.name.startswith("_") or node.decorator_list
            if special or owner.members is not None:
                owner.plain = False
        elif node.name == "__getattr__":
            raise NotConstantError
        scope.bind(node.name, OPAQUE)

    def _decorators(self, decorators: list[ast.expr], scope: Scope) -> None:
        for decorator in decorators:
            found = decorator
            if isinstance(found, ast.Call):
                keywords = [keyword.value for keyword in found.keywords]
                for given in [*found.args, *keywords]:
                    self._expressions.of(given, scope)
                found = found.func
            match found:
                case ast.Attribute(value=ast.Name(id=name), attr="setter" | "getter" | "deleter"):
                    if scope.names.maps[0].get(name) is OPAQUE and len(scope.names.maps) > 1:
                        continue
            kind = self._expressions.of(found, scope)
            allowed = isinstance(kind, Known) and harmless.among(kind.value, harmless.DECORATORS)
            if not allowed:
                raise NotConstantError

    def _class(self, node: ast.ClassDef, scope: Scope, owner: Own | None) -> None:
        if owner is not None:
            _check_class_names({node.name}, owner)
        self._decorators(node.decorator_list, scope)
        inner = self._parameters(node.type_params, scope).inner()
        own = Own()
        kinds = [self._base(base, inner, own) for base in node.bases]
        if own.members is not None and any(isinstance(kind, Own) for kind in kinds):
            # Making the members may call methods of the tool's own class.
            raise NotConstantError
        for keyword in node.keywords:
            kind = self._expressions.of(keyword.value, inner)
            if keyword.arg == "metaclass":
                if not (isinstance(kind, Known) and kind.value in harmless.METACLASSES):
                    raise NotConstantError
            elif keyword.arg is None or kind is not DATA:
                raise NotConstantError
        self._statements(node.body, inner, own)
        if own.members is not None:
            own.plain = False
        scope.bind(node.name, own)

    def _base(self, base: ast.expr, scope: Scope, own: Own) -> Kind:
        generic = isinstance(base, ast.Subscript)
        kind = self._expressions.of(base.value if generic else base, scope)
        if generic:
            self._later.append((base, scope))
            self._expressions.of(base, scope)
        match kind:
            case Known(value=value):
                if isinstance(value, type) and issubclass(value, harmless.ENUMERATION):
                    own.members = set()
                elif not harmless.among(value, harmless.PLAIN_BASES):
                    own.plain = False
            case Own(plain=plain, members=None):
                own.plain = own.plain and plain
            case _:
                raise NotConstantError
        return kind

    def _parameters(self, parameters: list[ast.type_param], scope: Scope) -> Scope:
        """Return the scope in which type parameters are known."""
        if not parameters:
            return scope
        inner = scope.inner()
        for parameter in parameters:
            inner.bind(parameter.name, OPAQUE)
        for parameter in parameters:
            for part in ast.iter_child_nodes(parameter):
                if isinstance(part, ast.expr):
                    self._later.append((part, inner))
        return inner

    def _annotation(self, node: ast.expr, scope: Scope) -> None:
        """Check what reading a signature evaluates."""
        match node:
            case ast.Constant(value=str() as text):
                try:
                    parsed = ast.parse(text.strip(), mode="eval").body
                except SyntaxError, ValueError:
                    # No type, whenever it is read.
                    return
                self._annotation(parsed, scope)
            case ast.Name(id=name):
                if name in OF_THE_CALL and scope.find(name) is None:
                    raise NotConstantError
            case ast.Subscript(value=generic, slice=inside):
                self._annotation(generic, scope)
                self._type_arguments(generic, inside, scope)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                self._annotation(left, scope)
                self._annotation(right, scope)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self._annotation(part, scope)
            case ast.Starred(value=value):
                self._annotation(value, scope)
            case _:
                self._expressions.of(node, scope)

    def _type_arguments(self, generic: ast.expr, inside: ast.expr, scope: Scope) -> None:
        name = generic.attr if isinstance(generic, ast.Attribute) else getattr(generic, "id", "")
        kind = scope.find(name) if isinstance(generic, ast.Name) else None
        kind = kind or self._expressions.of(generic, scope)
        value = kind.value if isinstance(kind, Known) else None
        parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
        types = [] if value is typing.Literal else parts[:1] if value is typing.Annotated else parts
        for part in parts:
            if part in types:
                self._annotation(part, scope)
            else:
                self._expressions.of(part, scope)


def _check_class_names(names: set[str], owner: Own) -> None:
    """Refuse what runs, or is asked, while classes are made and their signatures are read."""
    if names & OF_CLASSES:
        raise NotConstantError
    if owner.members is not None:
        special = {name for name in names if name.startswith("_")} - OF_MEMBERS
        if special or names & {"documentation", "name", "value"}:
            raise NotConstantError
    if "documentation" in names:
        owner.plain = False


def _allowed(name: str) -> str:
    if imports.refusal(name) is not None:
        raise NotConstantError
    return name


def _member(module: Any, name: str) -> Any:
    inner = f"{module.__name__}.{name}"
    return getattr(module, name) if hasattr(module, name) else sys.modules[_allowed(inner)]
