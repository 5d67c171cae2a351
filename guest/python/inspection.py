"""What a tool's source says about it.

The answer is JSON:

    {"valid": bool,                  parses, and has `async def main`
     "error": {"message", "line", "column"} | null,   counted from 1; no line: no `main`
     "has_main": bool,
     "parameters": [{"name": str, "type_text": str | null}],     as written
     "input_schema": {…} | null,     JSON Schema 2020-12 of the arguments, an object
     "output_schema": {…} | null,    the same of the result, where it is annotated as an object
     "capabilities": {"modules": [str], "packages": [str], "hosts": [str], "secrets": [str],
                      "tools": [str]},                           what it declares, each in order
     "doc": str | null,              the docstring of `main` before its sections, else the module's
     "notes": [str]}                 what else the author should know
"""

import ast
from types import ModuleType
from typing import Any

from . import declared, docstrings, errors, imports, module
from .annotations import Types
from .parameters import Parameters
from .signatures import Written
from .source import SourceError, Tree

DEFINITIONS = (
    ast.Import,
    ast.ImportFrom,
    ast.ClassDef,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Assign,
    ast.AnnAssign,
    ast.TypeAlias,
    ast.If,
    ast.Try,
)


def inspect_source(source: str, *, execute: bool) -> dict[str, Any]:
    """Inspect a tool.

    Where its module level is executed, for the types that it defines, the tool can change anything
    in the interpreter, this answer too. Where it is not, nothing of the tool runs.
    """
    try:
        tree = Tree(source)
        # The word of a tool that was executed is no declaration.
        found = (declared.nothing(), []) if execute else declared.read(tree.module, source)
    except SourceError as error:
        return refused(error)
    text, texts = docstrings.parse(ast.get_docstring(tree.main))
    if text is None:
        text = docstrings.parse(ast.get_docstring(tree.module))[0]
    answer = _answer(valid=True) | {
        "has_main": True,
        "parameters": _written(tree.main.args),
        "capabilities": found[0],
        "doc": text,
        "notes": list(tree.notes),
    }
    answer["notes"] += [f"line {line}: {why}" for line, why in imports.refused(tree.module)]
    answer["notes"] += found[1]
    answer["notes"] += _context_notes(tree.main)
    if tree.main.args.vararg is not None:
        answer["notes"].append(f"*{tree.main.args.vararg.arg} stays empty: arguments have names")
    if execute:
        _add_executed(answer, source, tree, texts)
    else:
        _add_written(answer, tree, texts)
    return answer


def refused(error: SourceError) -> dict[str, Any]:
    """Return the answer for a source that cannot become a tool."""
    place = {"message": str(error), "line": error.line, "column": error.column}
    return _answer(valid=False) | {"error": place}


def _answer(*, valid: bool) -> dict[str, Any]:
    return {
        "valid": valid,
        "error": None,
        "has_main": False,
        "parameters": [],
        "input_schema": None,
        "output_schema": None,
        "capabilities": declared.nothing(),
        "doc": None,
        "notes": [],
    }


def _written(arguments: ast.arguments) -> list[dict[str, Any]]:
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [
        {"name": found.arg, "type_text": found.annotation and ast.unparse(found.annotation)}
        for found in found
    ]


def _context_notes(main: ast.AsyncFunctionDef) -> list[str]:
    """Say that the client is no parameter, as it is elsewhere."""
    arguments = main.args
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [
        f"line {one.lineno}: the parameter `ctx` of `main` is an argument that clients give, and"
        " hides the global `ctx`, by which a tool talks to its client: leave it out"
        for one in found
        if one.arg == "ctx"
    ]


def _add_written(answer: dict[str, Any], tree: Tree, texts: dict[str, str]) -> None:
    written, types = Written(tree), Types({})
    parameters = Parameters(written.signature(), types)
    answer["input_schema"] = parameters.schema(texts)
    answer["output_schema"] = parameters.result_schema()
    answer["notes"] += written.notes + types.notes


def _add_executed(answer: dict[str, Any], source: str, tree: Tree, texts: dict[str, str]) -> None:
    loaded = _load(source, tree, answer["notes"])
    types = Types(loaded.__dict__)
    try:
        parameters = Parameters.of(loaded.main, types)
        answer["input_schema"] = parameters.schema(texts)
        answer["output_schema"] = parameters.result_schema()
    except Exception as error:
        # The tool's own classes are at work here, and may fail in any way.
        answer["notes"].append(f"the signature of main cannot be read: {errors.headline(error)}")
    answer["notes"] += types.notes


def _load(source: str, tree: Tree, notes: list[str]) -> ModuleType:
    """Execute the module level; where that fails, the definitions one by one."""
    loaded = module.create(source, module.EXAMPLES)
    try:
        module.execute(loaded, tree.code)
    except BaseException as error:
        place = errors.place_text(errors.detail(error, source))
        notes.append(f"the module level raised {errors.headline(error)}{place}")
        loaded = module.create(source, module.EXAMPLES)
        for statement in tree.module.body:
            if isinstance(statement, DEFINITIONS):
                _try(loaded, statement)
    if not callable(getattr(loaded, "main", None)):
        _define_main(loaded, tree.main)
    return loaded


def _try(loaded: ModuleType, statement: ast.stmt) -> bool:
    try:
        part = ast.Module([statement], [])
        module.execute(loaded, compile(part, errors.FILENAME, "exec", dont_inherit=True))
    except BaseException:
        return False
    return True


def _define_main(loaded: ModuleType, main: ast.AsyncFunctionDef) -> None:
    """Define `main` by its signature alone; defaults that cannot be computed stay unpublished."""
    main.decorator_list = []
    main.body = [ast.copy_location(ast.Pass(), main)]
    if _try(loaded, main):
        return
    unknown = ast.copy_location(ast.Constant(...), main)
    main.args.defaults = [unknown for _ in main.args.defaults]
    main.args.kw_defaults = [default and unknown for default in main.args.kw_defaults]
    _try(loaded, main)
