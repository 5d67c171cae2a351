"""What a tool's source declares to use, read from its syntax tree and its header, never run."""

import ast
from typing import Any

from . import asking, header, hosts, imports
from .hosts import Rest
from .source import SourceError

ENTRIES_MAX = 200
LINES_SHOWN = 10
SECRETS = "secrets"
IMPORTERS = frozenset({"__import__", "import_module"})
COMPILING = frozenset({"compile", "eval", "exec"})
# Ways from an object to the interpreter.
WALKS = frozenset(
    """
    __base__ __bases__ __builtins__ __class__ __closure__ __code__ __func__ __globals__ __loader__
    __mro__ __reduce__ __reduce_ex__ __self__ __spec__ __subclasses__ __traceback__ ag_frame
    cr_frame f_back f_builtins f_globals f_locals gi_frame tb_frame
    """.split()
)
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
NAMES_NO_SECRET = (
    "`secrets` is used without the name of one: names that only the call knows are declared by"
    " `# mcpbox: secrets=NAME` at the top"
)
COMPUTED_HOST = (
    "the host of a URL is computed: it is declared by `# mcpbox: hosts=NAME` at the top, where"
    " `*` stands for every host that a person allows"
)
COMPUTED_IMPORT = (
    "the name of an imported module is computed: it is declared by `# mcpbox: modules=NAME` at"
    " the top"
)


def read(module: ast.Module, source: str) -> tuple[dict[str, list[str]], list[str]]:
    """Return what a source declares, each list in order, and notes for who reviews it."""
    declared, notes = header.read(module, source)
    reader = Reader(module, source)
    declared["modules"] |= reader.modules
    declared["modules"] = {name for name in declared["modules"] if _is_declared(name)}
    declared["hosts"] |= reader.hosts
    declared[SECRETS] |= reader.secrets
    for key, names in declared.items():
        if len(names) > ENTRIES_MAX:
            message = f"the source names {len(names)} {key}, the most is {ENTRIES_MAX}: split it"
            raise SourceError(message, 1)
    return {key: sorted(names) for key, names in declared.items()}, notes + reader.notes()


def nothing() -> dict[str, list[str]]:
    """Return what a source declares that nobody can read."""
    return {key: [] for key in header.KEYS}


def _is_declared(name: str) -> bool:
    """Whether a module has to be declared: what all tools may import, or none, need not be."""
    never = imports.never(name) is not None
    return imports.is_name(name) and not never and imports.DEFAULT.refusal(name) is not None


class Reader:
    """Walks a syntax tree, without recursion: source may be nested deeply."""

    def __init__(self, module: ast.Module, source: str) -> None:
        self.modules: set[str] = set()
        self.hosts: set[str] = set()
        self.secrets: set[str] = set()
        self._noted: dict[str, set[int]] = {}
        self._addresses = asking.addresses(module, source)
        # Nodes whose meaning was told with a node above them.
        self._told: set[int] = set()
        nodes: list[tuple[ast.AST, bool]] = [(module, not _binds_secrets(module))]
        while nodes:
            node, is_mapping = nodes.pop()
            is_mapping = is_mapping and not (isinstance(node, FUNCTIONS) and _binds_secrets(node))
            self._visit(node)
            if is_mapping:
                self._visit_secrets(node)
            children = ast.iter_child_nodes(node)
            nodes += [(child, is_mapping) for child in children if id(child) not in self._told]
        for line, text in asking.asked(module, source):
            self._noted.setdefault(text, set()).add(line)

    def notes(self) -> list[str]:
        """Return what was noted, each text once with its lines, in the order of those."""
        found = sorted((sorted(lines), text) for text, lines in self._noted.items())
        return [f"{_places(lines)}: {text}" for lines, text in found]

    def _note(self, node: Any, text: str) -> None:
        self._noted.setdefault(text, set()).add(node.lineno)

    def _tell(self, *nodes: ast.AST) -> None:
        self._told.update(map(id, nodes))

    def _visit(self, node: ast.AST) -> None:
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            self._tell(node.body[0])
        self._visit_import(node)
        match node:
            case ast.JoinedStr(values=parts) | ast.TemplateStr(values=parts):
                self._visit_formatted(parts)
            case ast.BinOp(
                left=ast.Constant(value=str() as text) as left, op=ast.Add() | ast.Mod()
            ):
                self._tell(left)
                self._visit_text(left, text, Rest.OPERAND)
            case ast.Constant(value=str() as text):
                self._visit_text(node, text, Rest.NOTHING)
                if text in WALKS:
                    self._note(node, f"`{text}` leads from an object to the interpreter")
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in WALKS:
                self._note(node, f"`{name}` leads from an object to the interpreter")
            case ast.Name(id=name) if name in COMPILING:
                self._note(node, f"`{name}` can run code that nobody has reviewed")

    def _visit_import(self, node: ast.AST) -> None:
        self.modules.update(imports.named(node, imports.DEFAULT))
        match node:
            case ast.Call(func=ast.Name() | ast.Attribute() as func, args=[first, *_]):
                if _name(func) in IMPORTERS and _is_text(first):
                    self._tell(func)
            case ast.Name() | ast.Attribute() if _name(node) in IMPORTERS:
                self._note(node, COMPUTED_IMPORT)

    def _visit_formatted(self, parts: list[ast.expr]) -> None:
        self._tell(*(part for part in parts if isinstance(part, ast.Constant)))
        match parts:
            case [ast.Constant(value=str() as text) as head, *rest]:
                self._visit_text(head, text, Rest.INSERTED if rest else Rest.NOTHING)

    def _visit_text(self, node: ast.Constant, text: str, rest: Rest) -> None:
        if node in self._addresses:
            return
        host, is_computed = hosts.of_text(text, rest)
        if host is not None:
            self.hosts.add(host)
        if is_computed:
            self._note(node, COMPUTED_HOST)

    def _visit_secrets(self, node: ast.AST) -> None:
        match node:
            case (
                ast.Subscript(
                    value=ast.Name(id="secrets") as mapping,
                    slice=ast.Constant(value=str() as name),
                    ctx=ast.Load(),
                )
                | ast.Call(
                    func=ast.Attribute(value=ast.Name(id="secrets") as mapping, attr="get"),
                    args=[ast.Constant(value=str() as name), *_],
                )
                | ast.Compare(
                    left=ast.Constant(value=str() as name),
                    ops=[ast.In() | ast.NotIn()],
                    comparators=[ast.Name(id="secrets") as mapping],
                )
            ):
                self._tell(mapping)
                if header.SECRET.fullmatch(name):
                    self.secrets.add(name)
                else:
                    self._note(node, "no secret can have the name that is asked for")
            case ast.Name(id="secrets"):
                self._note(node, NAMES_NO_SECRET)


def _name(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _places(lines: list[int]) -> str:
    if len(lines) == 1:
        return f"line {lines[0]}"
    shown = ", ".join(map(str, lines[:LINES_SHOWN]))
    more = len(lines) - LINES_SHOWN
    return f"lines {shown} and {more} more" if more > 0 else f"lines {shown}"


def _binds_secrets(scope: ast.Module | FUNCTIONS) -> bool:
    """Whether the name `secrets` is another thing in a scope than the mapping of the call.

    At the module level that is where the module of that name is imported.
    """
    nodes: list[ast.AST] = [scope]
    while nodes:
        node = nodes.pop()
        if _bound(node, scope) == SECRETS:
            return True
        if node is scope or not isinstance(node, FUNCTIONS | ast.ClassDef):
            nodes += ast.iter_child_nodes(node)
    return False


def _bound(node: ast.AST, scope: ast.AST) -> str | None:
    match node:
        case ast.alias(name=name, asname=asname):
            return asname or name.partition(".")[0]
        case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
            return None if isinstance(scope, ast.Module) else name
    return None
