"""The event loop: asyncio's own, with the host in the place of the selector."""

import asyncio
import concurrent.futures
from asyncio import base_events
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from .errors import FILENAME
from .operations import OPERATIONS


class DeadlockError(Exception):
    """Every task waits, and nothing is left that could wake one."""

    line: int | None = None


class HostSelector:
    """Waits on the host where asyncio would wait on sockets."""

    def select(self, timeout: float | None) -> list[Any]:
        """Return after `timeout` seconds, or when an operation of the host has ended."""
        if timeout is not None and timeout <= 0 and not OPERATIONS.pending():
            return []
        if not OPERATIONS.wait(timeout):
            raise DeadlockError
        return []

    def close(self) -> None:
        """Nothing is held."""


class HostLoop(base_events.BaseEventLoop):
    """One task at a time; there are no threads, so an executor runs its work at once."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = HostSelector()

    def _process_events(self, event_list: list[Any]) -> None:
        """Completed operations have already resolved their futures."""

    def _write_to_self(self) -> None:
        """Nothing can interrupt a wait from another thread, as there is none."""

    def run_in_executor(
        self,
        executor: concurrent.futures.Executor | None,  # noqa: ARG002
        func: Callable[..., Any],
        *args: Any,
    ) -> asyncio.Future[Any]:
        """Run the function now and return its outcome as a finished future."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


# The loop of the call: the snapshot has it ready.
LOOP = HostLoop()


def install() -> None:
    """Make `asyncio.run` in a tool use this loop."""
    asyncio.new_event_loop = asyncio.events.new_event_loop = HostLoop


def run(main: Callable[..., Any], positions: list[Any], names: dict[str, Any]) -> Any:
    """Call `main` to its end, then cancel what it left behind, as `asyncio.run` does."""
    asyncio.set_event_loop(LOOP)
    task = _started(_call(main, positions, names))
    try:
        result = task.result() if task.done() else LOOP.run_until_complete(task)
        _cancel_rest(LOOP)
        return result
    except DeadlockError as error:
        if task.done():
            # The exception's own code has kept asyncio from noticing the end.
            return task.result()
        error.line = _waiting_line(task.get_coro())
        raise


def _started(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Run up to the first wait, for which the loop need not go round."""
    LOOP._run_forever_setup()
    try:
        return asyncio.Task(coroutine, loop=LOOP, eager_start=True)
    finally:
        LOOP._run_forever_cleanup()


async def _call(main: Callable[..., Any], positions: list[Any], names: dict[str, Any]) -> Any:
    value = main(*positions, **names)
    # A decorator may have made a plain function of it.
    return await value if isinstance(value, Awaitable) else value


def _waiting_line(coroutine: Any) -> int | None:
    """Return the innermost line of the tool that a coroutine waits in."""
    line = None
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None)
        if frame is not None and frame.f_code.co_filename == FILENAME:
            line = frame.f_lineno
        coroutine = getattr(coroutine, "cr_await", None)
    return line


def _cancel_rest(loop: HostLoop) -> None:
    rest = asyncio.all_tasks(loop)
    for task in rest:
        task.cancel()
    if rest:
        loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
    if loop._asyncgens:
        loop.run_until_complete(loop.shutdown_asyncgens())
