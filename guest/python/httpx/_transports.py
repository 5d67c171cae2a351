"""What carries requests: the host, or functions of the tool."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Self

from . import _wire
from ._config import DEFAULT_LIMITS, Limits, check_connection_options
from ._exceptions import (
    AddressRefused,
    ConnectError,
    ConnectTimeout,
    HostNotApproved,
    PoolTimeout,
    ReadTimeout,
    UnsupportedProtocol,
)
from ._gate import Gate
from ._request import Request
from ._response import Response

# What the host takes from one call at a time, less some for other operations.
IN_FLIGHT_MAX = 250
# The host keeps the times, of which it takes the one for reading each time that something has come.
# These are for a host that does not answer at all.
READS, GRACE = 4, 1.0
# A request with more patience has the limits of the call and of the host.
PATIENCE_MAX = 120.0
BACKOFF = 0.5

# Asking again changes nothing.
DECIDED = (AddressRefused, HostNotApproved)

_everyone = Gate(IN_FLIGHT_MAX)


class AsyncBaseTransport:
    """Carries requests; a class of the tool's own answers them in `handle_async_request`."""

    async def handle_async_request(self, request: Request) -> Response:
        """Return the response to a request."""
        raise NotImplementedError(f"{type(self).__name__} has no handle_async_request")

    async def aclose(self) -> None:
        """Let go of what is held."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()


class AsyncHTTPTransport(AsyncBaseTransport):
    """Has the host carry out requests; `retries` is about connections that do not come about."""

    def __init__(self, *, retries: int = 0, limits: Limits = DEFAULT_LIMITS, **given: Any) -> None:
        check_connection_options(given, "AsyncHTTPTransport()")
        self._retries = retries
        most = limits.max_connections
        self._gate = Gate(IN_FLIGHT_MAX if most is None else most)

    async def handle_async_request(self, request: Request) -> Response:
        """Return the response to a request."""
        if request.url.scheme not in {"http", "https"} or not request.url.raw_host:
            message = (
                f"a URL begins with http:// or https:// and a host, not as {str(request.url)!r}"
            )
            raise UnsupportedProtocol(message, request=request)
        await request.aread()
        for attempt in range(self._retries + 1):
            try:
                return await self._attempt(request)
            except (ConnectError, ConnectTimeout) as error:
                if attempt == self._retries or isinstance(error, DECIDED):
                    raise
            await asyncio.sleep(BACKOFF * 2 ** (attempt - 1) if attempt else 0)
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, request: Request) -> Response:
        limits = request.extensions.get("timeout") or {}
        if not self._try_enter():
            try:
                async with asyncio.timeout(limits.get("pool")):
                    await self._enter()
            except TimeoutError:
                what = "no place among the requests under way"
                raise PoolTimeout(_late(what, request), request=request) from None
        try:
            longest = _longest(limits)
            if longest is None:
                return await _wire.exchange(request)
            async with asyncio.timeout(longest):
                return await _wire.exchange(request)
        except TimeoutError:
            raise ReadTimeout(_late("no answer", request), request=request) from None
        finally:
            _everyone.leave()
            self._gate.leave()

    def _try_enter(self) -> bool:
        if not self._gate.try_enter():
            return False
        if not _everyone.try_enter():
            self._gate.leave()
            return False
        return True

    async def _enter(self) -> None:
        await self._gate.enter()
        try:
            await _everyone.enter()
        except BaseException:
            self._gate.leave()
            raise


def _late(what: str, request: Request) -> str:
    return f"{what} within the time: {request.method} {request.url.host}"


def _longest(limits: dict[str, float | None]) -> float | None:
    connect, write, read = (limits.get(part) for part in ("connect", "write", "read"))
    if connect is None or write is None or read is None:
        return None
    longest = connect + write + READS * read + GRACE
    return longest if longest < PATIENCE_MAX else None


class MockTransport(AsyncBaseTransport):
    """Has a function answer requests."""

    def __init__(self, handler: Callable[[Request], Response | Awaitable[Response]]) -> None:
        self.handler = handler

    async def handle_async_request(self, request: Request) -> Response:
        """Return the function's response."""
        await request.aread()
        response = self.handler(request)
        return await response if inspect.isawaitable(response) else response
