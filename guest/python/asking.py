"""What a source can ask of the client that calls it, read from its syntax tree."""

import ast
from collections.abc import Iterator

CTX = "ctx"
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
# Names that are bound within them belong to them alone.
SCOPES = FUNCTIONS | ast.ClassDef | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
# The server reads these sentences in the remarks of a revision: `sandbox/src/asking.rs`.
ASKING = {
    "elicit": "it can question the caller's user",
    "elicit_url": "it can send the caller's user to an address",
    "sample": "it can use the caller's model",
    "list_roots": "it can see the caller's roots",
}
UNKNOWN = "it may ask its caller anything, by what it does with `ctx`"
SAYING = frozenset("client debug error info is_error log progress warning".split())


def asked(module: ast.Module, source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that ask something, and what."""
    # Other letters may stand for those of a name; most sources are spared the walk.
    if CTX not in source and source.isascii():
        return
    # Without recursion: source may be nested deeply.
    nodes: list[tuple[ast.AST, bool]] = [(module, True)]
    while nodes:
        node, is_ctx = nodes.pop()
        match node:
            case ast.Attribute(value=ast.Name(id="ctx"), attr=name) if is_ctx:
                if name not in SAYING:
                    yield node.lineno, ASKING.get(name, UNKNOWN)
                continue
            case ast.Name(id="ctx", ctx=ast.Load()) if is_ctx:
                yield node.lineno, UNKNOWN
        body = set[ast.AST]()
        if isinstance(node, FUNCTIONS):
            body.update([node.body] if isinstance(node, ast.Lambda) else node.body)
        within = _is_ctx(node, around=is_ctx) if body else is_ctx
        children = ast.iter_child_nodes(node)
        nodes += [(child, within if child in body else is_ctx) for child in children]


def _is_ctx(function: ast.AST, *, around: bool) -> bool:
    """Whether the name means the client in the body of a function."""
    nodes, is_hidden = [function], False
    while nodes:
        node = nodes.pop()
        match node:
            case ast.Global(names=names) if CTX in names:
                return True
            case ast.arg(arg="ctx") | ast.Name(id="ctx", ctx=ast.Store()):
                is_hidden = True
            case ast.alias(name=name, asname=asname):
                is_hidden |= (asname or name.partition(".")[0]) == CTX
        if node is function or not isinstance(node, SCOPES):
            nodes += ast.iter_child_nodes(node)
    return around and not is_hidden


def addresses(module: ast.Module, source: str) -> set[ast.AST]:
    """Return the texts that are nothing but addresses for a person's browser."""
    if "elicit_url" not in source:
        return set()
    given = [address for node in ast.walk(module) for address in _given(node)]
    names = {node.id for node in given if isinstance(node, ast.Name)}
    places = set(given)
    for node in ast.walk(module):
        # A name that is read for anything else may be requested.
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node not in places:
            names.discard(node.id)
    for node in ast.walk(module):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if name in names:
                given.append(value)
    return set(_texts(given))


def _given(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the address that a call of `elicit_url` is given."""
    match node:
        case ast.Call(func=ast.Attribute(attr="elicit_url"), args=args, keywords=keywords):
            match args:
                case [first, address, *_] if not isinstance(first, ast.Starred):
                    yield address
            yield from (keyword.value for keyword in keywords if keyword.arg == "url")


def _texts(nodes: list[ast.expr]) -> Iterator[ast.AST]:
    """Yield the texts that expressions are put together of, and nothing that they compute."""
    while nodes:
        node = nodes.pop()
        match node:
            case ast.Constant():
                yield node
            case ast.JoinedStr(values=parts):
                yield from (part for part in parts if isinstance(part, ast.Constant))
            case ast.BinOp(left=left, right=right):
                nodes += [left, right]
            case ast.IfExp(body=body, orelse=other):
                nodes += [body, other]
            case ast.Call(func=ast.Attribute(value=pattern, attr="format")):
                nodes.append(pattern)
