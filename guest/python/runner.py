"""Where calls arrive: the exports of `wit/tool.wit`.

`run` answers with JSON, either of

    {"ok": true, "result": …, "content": [block], "is_error": true}
                                                        what `main` returned; of a prompt the
                                                        messages, of a resource the contents
    {"ok": false, "kind": str, "message": str, "detail": {…} | null}

`content` is there where the result holds pictures or files; a block is one of

    {"type": "text", "text": str}
    {"type": "image" | "audio" | "file", "mime_type": str, "name": str, "data": base64}

and `name` may be absent. `is_error` is there where a tool set `ctx.is_error`.

`message` is one line that a model can act on. `kind` is one of

    arguments           they are not what `main` takes; detail {path, expected, received} of the one
    exception           the tool raised one; `errors.detail` describes the detail
    client_capability   the tool needs to ask the client what that cannot be asked; detail also
                        {capability}
    exit                the tool raised SystemExit
    memory              a MemoryError was not caught
    deadlock            every task waits for something that cannot happen
    no_main             `main` is no longer a function after the module level was executed
    not_serializable    the result has no JSON form; detail {path}
    return_type         it is not what the return annotation promises; detail as for arguments
    reported            a prompt or a resource set `ctx.is_error`; the message is what it returned
    result_too_large    the result, with its blocks, has more bytes than the limit; detail
                        {bytes, limit}

`compile` answers with bytecode, or with what `inspection.py` says about a source that is not valid.
"""

import contextvars
import gc
import json
import marshal
from collections.abc import Callable
from types import ModuleType
from typing import Any

import wit_world
from componentize_py_types import Err

from . import (
    clients,
    constancy,
    contents,
    context,
    environment,
    errors,
    imports,
    inspection,
    loop,
    messages,
    module,
    packages,
    settling,
    texts,
    vault,
    warmup,
)
from .annotations import Types
from .content import AttachmentsError
from .given import PROMPT, TOOL, Given
from .parameters import ArgumentError, Parameters
from .results import NotSerializableError, to_json, with_blocks
from .shapes import ConversionError, Shape
from .source import SourceError, Tree

# Said when there is no memory left to say more.
OUT_OF_MEMORY = json.dumps(
    {
        "ok": False,
        "kind": "memory",
        "message": "MemoryError: the tool used up its memory",
        "detail": {"error_type": "MemoryError"},
    }
)


class CallError(Exception):
    """A call that ended without a result."""

    def __init__(self, kind: str, message: str, detail: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.answer = {"ok": False, "kind": kind, "message": message, "detail": detail}


class WitWorld(wit_world.WitWorld):
    """The exports."""

    def inspect(self, source: str, execute: bool, modules: str) -> str:
        """Say what a source offers."""
        environment.begin()
        imports.apply(modules)
        return _sound(inspection.inspect_source(source, execute=execute))

    def compile(self, source: str, modules: str) -> wit_world.Compiled:
        """Return marshalled bytecode; what the source lacks is raised as JSON."""
        imports.apply(modules)
        try:
            tree = Tree(source)
        except SourceError as error:
            raise Err(_sound(inspection.refused(error))) from None
        return wit_world.Compiled(marshal.dumps(tree.code), constancy.is_constant(tree.module))

    def run(  # noqa: PLR0913, PLR0917
        self,
        bytecode: bytes,
        source: str,
        arguments: str,
        secrets: str,
        client: str,
        modules: str,
        result_limit: int,
    ) -> str:
        """Run `main` once."""
        environment.begin()
        imports.apply(modules)
        given, ctx = Given(arguments), context.Context(client)
        names = module.Names(given.values, vault.read(secrets), ctx)
        return _answer(
            lambda: _run(Loaded(source, bytecode, names), given, ctx, result_limit), source
        )

    def load(self, bytecode: bytes, source: str, modules: str) -> None:
        """Execute the module level and read the signature, ahead of the call."""
        global _ahead  # noqa: PLW0603
        imports.apply(modules)
        try:
            with environment.unnoticed():
                _ahead = Loaded(source, bytecode, module.NONE)
        except BaseException as error:
            raise Err(errors.headline(error)) from None
        gc.freeze()

    def call(self, arguments: str, secrets: str, client: str, result_limit: int) -> str:
        """Run `main` of what is loaded."""
        environment.begin()
        loaded, given, ctx = _ahead, Given(arguments), context.Context(client)
        module.bind(loaded.module, module.Names(given.values, vault.read(secrets), ctx))
        return _answer(lambda: _run(loaded, given, ctx, result_limit), loaded.source)

    def pack(self) -> bytes:
        """Compile the files of packages."""
        try:
            return packages.pack()
        except Exception as error:
            raise Err(errors.headline(error)) from None

    def unpack(self, part: bytes) -> None:
        """Make packages importable."""
        packages.unpack(part)

    def preload(self, modules: list[str], whole: bool) -> str:
        """Import packages, and leave the interpreter as every call is to find it."""
        report = packages.preload(modules, whole=whole)
        settling.freeze()
        settling.fill()
        _warm_up(1, requests=False)
        settling.tidy()
        return _sound(report)


class Loaded:
    """A tool whose module level has been executed, with what its `main` takes and promises."""

    def __init__(self, source: str, bytecode: bytes, names: module.Names) -> None:
        self.source = source
        self.module = module.create(source, names)
        module.execute(self.module, marshal.loads(bytecode))
        self.parameters = _parameters(self.module)
        self.promised = _promised(self.parameters)


_ahead: Any = None


def _answer(call: Callable[[], str], source: str) -> str:
    """Make the answer of a call, however it ends."""
    try:
        return call()
    except CallError as failure:
        return _sound(failure.answer)
    except BaseException as error:
        return _failed(error, source)
    finally:
        environment.end()


def _run(loaded: Loaded, given: Given, ctx: context.Context, limit: int) -> str:
    positions, names = _bind(loaded.parameters, given)
    value = loop.run(loaded.module.main, positions, names)
    if given.purpose == TOOL:
        answer = _result(value, loaded.promised, limit)
        return f'{answer[:-1]},"is_error":true}}' if ctx.is_error else answer
    if ctx.is_error:
        raise CallError("reported", _reported(value, given.purpose))
    return _document(value, given, limit)


def _reported(value: Any, purpose: str) -> str:
    """Return what is said of a prompt or a resource that cannot be had, which is a text alone."""
    text = value if isinstance(value, str) else _json(value)
    return text.strip() or f"the {purpose} has set ctx.is_error, and says nothing"


def _json(value: Any) -> str:
    try:
        return to_json(value)
    except NotSerializableError as error:
        raise CallError("not_serializable", str(error), {"path": error.path}) from None


def _document(value: Any, given: Given, limit: int) -> str:
    """Answer with the messages of a prompt, or the contents of a resource, within the limit."""
    try:
        if given.purpose == PROMPT:
            text = messages.prompt(value, limit)
        else:
            text = contents.resource(value, given.uri or "", limit)
    except NotSerializableError as error:
        raise CallError("not_serializable", str(error), {"path": error.path}) from None
    except AttachmentsError as error:
        raise _too_large(error.encoded, limit) from None
    if _length(text) > limit:
        raise _too_large(_length(text), limit)
    return f'{{"ok":true,"result":{text}}}'


def _result(value: Any, promised: Shape | None, limit: int) -> str:
    """Answer with a result that keeps its promise, within the limit."""
    try:
        # A schema that promises text in the place of data is kept.
        text, blocks = with_blocks(value, recognise=promised is None, room=limit)
    except NotSerializableError as error:
        raise CallError("not_serializable", str(error), {"path": error.path}) from None
    except AttachmentsError as error:
        raise _too_large(error.encoded, limit) from None
    written = json.dumps(blocks, ensure_ascii=False) if blocks else ""
    length = _length(text) + _length(written)
    if length > limit:
        raise _too_large(length, limit)
    if promised is not None:
        _check(promised, text)
    content = f',"content":{written}' if blocks else ""
    return f'{{"ok":true,"result":{text}{content}}}'


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _too_large(length: int, limit: int) -> CallError:
    message = f"the result has {length:,} bytes as JSON, the most is {limit:,}: return less"
    return CallError("result_too_large", message, {"bytes": length, "limit": limit})


def _parameters(tool: ModuleType) -> Parameters:
    main = getattr(tool, "main", None)
    if not callable(main):
        message = (
            "`main` is no function any more after the module was executed: leave its name alone"
        )
        raise CallError("no_main", message)
    return Parameters.of(main, Types(tool.__dict__))


def _bind(parameters: Parameters, given: Given) -> tuple[list[Any], dict[str, Any]]:
    try:
        return parameters.bind(given)
    except ArgumentError as error:
        raise CallError("arguments", str(error)) from None
    except ConversionError as error:
        place = {"path": error.path, "expected": error.expected, "received": error.received}
        whole = "argument " if error.path else "the arguments"
        raise CallError("arguments", f"{whole}{error}", place) from None


def _promised(parameters: Parameters) -> Shape | None:
    """Return the shape of the result where inspections publish a schema of it."""
    try:
        return parameters.result_shape()
    except Exception:
        # The annotation cannot be read, so that no schema was published either.
        return None


def _check(shape: Shape, text: str) -> None:
    try:
        shape.check(texts.read(text), "result")
    except ConversionError as error:
        place = {"path": error.path, "expected": error.expected, "received": error.received}
        message = (
            "the result is not what the return annotation of `main` promises: at"
            f" {error.path}: expected {error.expected}, got {error.received}"
            f"{error.reason and f' ({error.reason})'}; mend one of them"
        )
        raise CallError("return_type", message, place) from None


def _failed(error: BaseException, source: str) -> str:
    """Answer for an exception, whatever it does when it is looked at."""
    try:
        if isinstance(error, loop.DeadlockError):
            return _sound(_deadlock(error.line, source))
        error = _renamed(error)
        kind, message = _verdict(error)
        detail = errors.detail(error, source)
        capability = clients.missing_capability(error)
        if capability is not None:
            kind, detail["capability"] = "client_capability", capability
        line = errors.place_text(detail)
        return _sound({"ok": False, "kind": kind, "message": f"{message}{line}", "detail": detail})
    except MemoryError:
        return OUT_OF_MEMORY
    except BaseException as raised:
        name = type(error).__name__
        message = f"{name}, and looking at it raised {type(raised).__name__}"
        return _sound({"ok": False, "kind": "exception", "message": message, "detail": None})


def _deadlock(line: int | None, source: str) -> dict[str, Any]:
    detail: dict[str, Any] = {"error_type": "DeadlockError"}
    if line is not None:
        detail |= {"line": line, "context": errors.context(source, line)}
    place = errors.place_text(detail)
    message = f"every task waits, and no timer or operation is left that could wake one{place}"
    return {"ok": False, "kind": "deadlock", "message": message, "detail": detail}


def _renamed(error: BaseException) -> BaseException:
    """Name what the parser says of source that is nested too deeply, which takes no memory."""
    if type(error) is MemoryError and str(error).startswith("Parser stack overflowed"):
        return RecursionError(str(error)).with_traceback(error.__traceback__)
    return error


def _verdict(error: BaseException) -> tuple[str, str]:
    if isinstance(error, MemoryError):
        return "memory", "MemoryError: the tool used up its memory"
    if isinstance(error, RecursionError):
        return (
            "exception",
            "RecursionError: calls are nested too deeply; use a loop, or end the recursion",
        )
    if isinstance(error, SystemExit):
        return (
            "exit",
            f"the tool raised SystemExit({error.code!r}): return a value from main instead",
        )
    return "exception", " ".join(errors.headline(error).split())


def _sound(answer: dict[str, Any]) -> str:
    """Return JSON text without half surrogate pairs, which the host could not take."""
    text = json.dumps(answer, ensure_ascii=False)
    return text.encode(errors="replace").decode()


def _warm_up(rounds: int, *, requests: bool = True) -> None:
    """Leave the interpreter as if calls had been made, and nothing of the calls."""
    global _ahead  # noqa: PLW0603
    # What the calls leave in context variables goes with the context.
    contextvars.Context().run(lambda: warmup.run(WitWorld(), rounds, requests=requests))
    _ahead = None
    imports.reset()


def _prepare() -> None:
    """Make the interpreter what every call begins with."""
    environment.install()
    _warm_up(1)
    settling.fill()
    settling.gather(lambda: _warm_up(1))
    _warm_up(warmup.ROUNDS)
    settling.freeze()
    settling.fill()
    # Fills the interpreter's caches again, with what calls need that make no requests.
    _warm_up(1, requests=False)
    settling.tidy()


_prepare()
