"""The tool's source text: reading it without running it."""

import ast
import warnings
from typing import Any

from .errors import FILENAME

FLAGS = {"filename": FILENAME, "mode": "exec", "dont_inherit": True}


class SourceError(Exception):
    """The source cannot become a tool; without a line where `main` is missing."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class Tree:
    """A tool's syntax tree, its `main`, and the warnings of the parser."""

    def __init__(self, source: str) -> None:
        self.notes: list[str] = []
        self.module = self._parse(source)
        self.main = _find_main(self.module)

    def _parse(self, source: str) -> ast.Module:
        try:
            with warnings.catch_warnings(record=True) as found:
                warnings.simplefilter("always")
                module = ast.parse(source, FILENAME)
                # Some errors, such as `return` outside of a function, are found only here.
                self.code = compile(source, **FLAGS)
        except SyntaxError as error:
            raise SourceError(f"{type(error).__name__}: {error.msg}", *_place(error)) from None
        except RecursionError, MemoryError:
            raise SourceError("the source is nested too deeply to be read", 1) from None
        except (ValueError, OverflowError) as error:
            raise SourceError(f"the source cannot be read: {error}", 1) from None
        self.notes += dict.fromkeys(
            f"line {warning.lineno}: {warning.message}" for warning in found
        )
        return module


def _place(error: SyntaxError) -> tuple[int, int | None]:
    column = error.offset if error.offset is not None and error.offset > 0 else None
    return max(error.lineno or 1, 1), column


def _find_main(module: ast.Module) -> ast.AsyncFunctionDef:
    plain: Any = None
    main: Any = None
    for statement in top_level(module.body):
        if isinstance(statement, ast.AsyncFunctionDef) and statement.name == "main":
            main = statement
        if isinstance(statement, ast.FunctionDef) and statement.name == "main":
            plain = statement
    if main is not None:
        _refuse_generator(main)
        return main
    if plain is not None:
        message = f"`main` is not async: write `async def main(...)` in line {plain.lineno}"
        raise SourceError(message)
    message = "there is no `main`: write `async def main(...)` at the top level of the module"
    raise SourceError(message)


def _refuse_generator(main: ast.AsyncFunctionDef) -> None:
    """Refuse a main that yields: nobody but a decorator collects what it does."""
    nodes: list[ast.AST] = [] if main.decorator_list else [*main.body]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Yield):
            message = "`main` is a generator: collect what it yields in a list, and return that"
            raise SourceError(message, node.lineno, node.col_offset + 1)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            nodes += ast.iter_child_nodes(node)


def top_level(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a module, those within `if`, `try` and `with` too."""
    statements = []
    for statement in body:
        statements.append(statement)
        if isinstance(statement, ast.If | ast.Try | ast.With):
            for part in ("body", "orelse", "finalbody"):
                statements += top_level(getattr(statement, part, []))
    return statements
