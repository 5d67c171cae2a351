"""Requests without a client."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NoReturn

from ._awaited import awaited
from ._client import AsyncClient
from ._config import IGNORED, REFUSED
from ._response import Response

# What is said to a client, and not to a request.
OF_CLIENTS = frozenset(
    {"base_url", "cookies", "default_encoding", "event_hooks", "limits", "max_redirects"}
    | {"timeout", "transport"}
    | IGNORED
    | REFUSED.keys()
)


def _client(options: dict[str, Any]) -> AsyncClient:
    """Make the client for one request, taking out of the options what is said to it."""
    given = {name: options.pop(name) for name in OF_CLIENTS & options.keys()}
    return AsyncClient(**given)


@awaited
async def request(method: str, url: Any, **options: Any) -> Response:
    """Send a request and read the response."""
    async with _client(options) as client:
        return await client.request(method, url, **options)


@asynccontextmanager
async def stream(method: str, url: Any, **options: Any) -> AsyncIterator[Response]:
    """Send a request, and leave the body of the response to be read in parts."""
    async with _client(options) as client, client.stream(method, url, **options) as response:
        yield response


def _of_method(name: str) -> Callable[..., Any]:
    method = name.upper()

    async def send(url: Any, **options: Any) -> Response:
        return await request(method, url, **options)

    send.__name__ = send.__qualname__ = name
    send.__doc__ = f"Send {'an' if name == 'options' else 'a'} {method} request."
    return awaited(send)


get, options, head, post, put, patch, delete = map(
    _of_method, ("get", "options", "head", "post", "put", "patch", "delete")
)


class Client:
    """The client of programs that are not async, which tools are."""

    def __init__(self, *given: Any, **named: Any) -> NoReturn:
        del given, named
        raise TypeError(
            "tools are async, and httpx.Client is not: write"
            " `async with httpx.AsyncClient() as client:` and `response = await client.get(url)`,"
            " in functions that are `async def`"
        )


class HTTPTransport:
    """The transport of programs that are not async, which tools are."""

    def __init__(self, *given: Any, **named: Any) -> NoReturn:
        del given, named
        raise TypeError("tools are async: use httpx.AsyncHTTPTransport with httpx.AsyncClient")
