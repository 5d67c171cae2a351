"""What request methods return: something to await, which says so where that was forgotten."""

import functools
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from ._response import Response

# What programs ask of a response, and of no coroutine.
OF_RESPONSES = frozenset(name for name in dir(Response) if name[0] != "_") | {
    "default_encoding",
    "extensions",
    "headers",
    "history",
    "next_request",
    "status_code",
    "stream",
}


class Pending(Coroutine[Any, Any, Response]):
    """A request that begins when it is awaited, or made a task."""

    def __init__(self, coroutine: Coroutine[Any, Any, Response], asked: str) -> None:
        self._coroutine = coroutine
        self._asked = asked

    def __await__(self) -> Generator[Any, Any, Response]:
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        """Go on."""
        return self._coroutine.send(value)

    def throw(self, *given: Any) -> Any:
        """Go on with an exception."""
        return self._coroutine.throw(*given)

    def close(self) -> None:
        """End it."""
        self._coroutine.close()

    def __getattr__(self, name: str) -> Any:
        if name in OF_RESPONSES:
            message = (
                f"{name!r} is of the response, which has to be awaited first: write"
                f" `response = await ….{self._asked}(…)`, then `response.{name}`"
            )
            raise AttributeError(message, name=name, obj=self)
        return getattr(self._coroutine, name)


def awaited(function: Callable[..., Coroutine[Any, Any, Response]]) -> Callable[..., Any]:
    """Make a coroutine function return something that says where `await` was forgotten."""

    @functools.wraps(function)
    def call(*given: Any, **named: Any) -> Pending:
        return Pending(function(*given, **named), function.__name__)

    return call
