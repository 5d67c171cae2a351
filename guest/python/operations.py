"""Operations of the host: what a tool asks of the world outside, awaited through the event loop."""

import asyncio

from componentize_py_types import Err
from wit_world.imports import host


class OperationError(Exception):
    """The host refused or could not finish an operation; the text says why."""

    # Tools import it from there.
    __module__ = "mcpbox_host"


class Operations:
    """The operations under way, by the number that the host gave them."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[bytes]] = {}

    async def call(self, operation: str, payload: bytes) -> bytes:
        """Start an operation and wait for its answer; a cancelled wait cancels the operation."""
        answer = asyncio.get_running_loop().create_future()
        identifier = self.begin(operation, payload, answer)
        try:
            return await answer
        finally:
            self.forget(identifier)

    def begin(self, operation: str, payload: bytes, answer: asyncio.Future[bytes]) -> int:
        """Start an operation whose answer a future gets, and return its number."""
        identifier = host.start(operation, payload)
        self._waiting[identifier] = answer
        return identifier

    def forget(self, identifier: int) -> None:
        """Cancel an operation unless it has ended."""
        if self._waiting.pop(identifier, None) is not None:
            host.cancel(identifier)

    def tell(self, operation: str, payload: str) -> None:
        """Tell the host something that it does not answer."""
        host.tell(operation, payload)

    def pending(self) -> bool:
        """Whether an operation is under way."""
        return bool(self._waiting)

    def wait(self, timeout: float | None) -> bool:
        """Suspend the whole guest until an operation has ended or `timeout` seconds have passed.

        The answer says whether there was anything to wait for.
        """
        nanoseconds = None if timeout is None else max(0, int(timeout * 1e9))
        completions = host.wait(nanoseconds)
        for completion in completions:
            future = self._waiting.pop(completion.id, None)
            if future is None or future.done():
                continue
            if isinstance(completion.outcome, Err):
                future.set_exception(OperationError(completion.outcome.value))
            else:
                future.set_result(completion.outcome.value)
        return bool(completions) or timeout is not None


OPERATIONS = Operations()
