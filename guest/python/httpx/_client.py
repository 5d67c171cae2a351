"""Clients: what several requests have in common."""

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

from . import _auth, _redirects
from ._awaited import awaited
from ._config import (
    DEFAULT_LIMITS,
    DEFAULT_MAX_REDIRECTS,
    DEFAULT_TIMEOUT,
    USE_CLIENT_DEFAULT,
    Limits,
    Timeout,
    UseClientDefault,
    check_connection_options,
)
from ._cookies import Cookies
from ._exceptions import RequestError, TooManyRedirects
from ._headers import Headers
from ._request import Request
from ._response import Response
from ._transports import AsyncBaseTransport, AsyncHTTPTransport
from ._urls import URL, QueryParams

DEFAULT_HEADERS = Headers(
    {
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "Connection": "keep-alive",
        "User-Agent": "mcpbox",
    }
)
NO_AUTH = _auth.Auth()
# What `send` is told, and not the request.
OF_SENDING = frozenset({"auth", "follow_redirects"})


class AsyncClient:
    """Sends requests that have URL, headers, cookies and more in common.

    The connections belong to the host, which keeps them beyond the call.
    """

    def __init__(  # noqa: PLR0913
        self,
        *,
        auth: Any = None,
        params: Any = None,
        headers: Any = None,
        cookies: Any = None,
        timeout: Any = DEFAULT_TIMEOUT,
        follow_redirects: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        max_redirects: int = DEFAULT_MAX_REDIRECTS,
        event_hooks: dict[str, list[Callable[..., Any]]] | None = None,
        base_url: Any = "",
        transport: AsyncBaseTransport | None = None,
        default_encoding: str | Callable[[bytes], str] = "utf-8",
        **connection: Any,
    ) -> None:
        check_connection_options(connection, f"{type(self).__name__}()")
        self._base_url = _with_slash(URL(base_url)) if base_url else NO_BASE
        self._auth = _auth.of(auth)
        self._params = QueryParams(params)
        self._headers = _default_headers(headers)
        self._cookies = Cookies(cookies)
        self._timeout = Timeout(timeout)
        self.follow_redirects = follow_redirects
        self.max_redirects = max_redirects
        self.event_hooks = event_hooks or {}
        self._transport = transport or AsyncHTTPTransport(limits=limits)
        self._default_encoding = default_encoding
        self._is_opened = False
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether no request can be sent any more."""
        return self._is_closed

    @property
    def trust_env(self) -> bool:
        """Whether the environment is read: there is none."""
        return False

    @property
    def timeout(self) -> Timeout:
        """The seconds that requests may take."""
        return self._timeout

    @timeout.setter
    def timeout(self, timeout: Any) -> None:
        self._timeout = Timeout(timeout)

    @property
    def event_hooks(self) -> dict[str, list[Callable[..., Any]]]:
        """Functions that see each `request` and each `response`."""
        return self._event_hooks

    @event_hooks.setter
    def event_hooks(self, hooks: dict[str, list[Callable[..., Any]]]) -> None:
        self._event_hooks = {name: list(hooks.get(name, [])) for name in ("request", "response")}

    @property
    def auth(self) -> _auth.Auth | None:
        """The credentials."""
        return self._auth

    @auth.setter
    def auth(self, auth: Any) -> None:
        self._auth = _auth.of(auth)

    @property
    def base_url(self) -> URL:
        """What relative URLs begin with."""
        return self._base_url

    @base_url.setter
    def base_url(self, url: Any) -> None:
        self._base_url = _with_slash(URL(url))

    @property
    def headers(self) -> Headers:
        """The headers of every request."""
        return self._headers

    @headers.setter
    def headers(self, headers: Any) -> None:
        self._headers = _default_headers(headers)

    @property
    def cookies(self) -> Cookies:
        """The cookies, also those that servers have set."""
        return self._cookies

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        self._cookies = Cookies(cookies)

    @property
    def params(self) -> QueryParams:
        """The query of every request."""
        return self._params

    @params.setter
    def params(self, params: Any) -> None:
        self._params = QueryParams(params)

    def build_request(  # noqa: PLR0913
        self,
        method: str,
        url: Any,
        *,
        params: Any = None,
        headers: Any = None,
        cookies: Any = None,
        timeout: Any = USE_CLIENT_DEFAULT,
        extensions: dict[str, Any] | None = None,
        content: Any = None,
        data: Any = None,
        files: Any = None,
        json: Any = None,
    ) -> Request:
        """Make a request with what the client adds to each."""
        extensions = dict(extensions or {})
        if "timeout" not in extensions:
            unsaid = isinstance(timeout, UseClientDefault)
            extensions["timeout"] = (self._timeout if unsaid else Timeout(timeout)).as_dict()
        merged = self._headers.copy()
        merged.update(headers)
        kept = None
        if self._cookies or cookies:
            kept = Cookies(self._cookies)
            kept.update(cookies)
        if params or self._params:
            params = self._params.merge(params)
        return Request(
            method,
            self._merged_url(url),
            params=params,
            headers=merged,
            cookies=kept,
            extensions=extensions,
            content=content,
            data=data,
            files=files,
            json=json,
        )

    def _merged_url(self, url: Any) -> URL:
        given = URL(url)
        if not given.is_relative_url:
            return given
        # The path is added to that of the base, and not taken in its place.
        path = self._base_url.raw_path + given.raw_path.lstrip(b"/")
        return self._base_url.copy_with(raw_path=path) if self._base_url.host else given

    @awaited
    async def request(self, method: str, url: Any, **options: Any) -> Response:
        """Send a request and read the response; the names are those of `build_request`."""
        request, told = self._built(method, url, options)
        return await self.send(request, **told)

    def _built(
        self, method: str, url: Any, options: dict[str, Any]
    ) -> tuple[Request, dict[str, Any]]:
        told = {name: options.pop(name) for name in OF_SENDING & options.keys()}
        return self.build_request(method, url, **options), told

    @asynccontextmanager
    async def stream(self, method: str, url: Any, **options: Any) -> AsyncIterator[Response]:
        """Send a request, and leave the body of the response to be read in parts."""
        request, told = self._built(method, url, options)
        response = await self.send(request, stream=True, **told)
        try:
            yield response
        finally:
            await response.aclose()

    async def get(self, url: Any, **options: Any) -> Response:
        """Send a GET request."""
        return await self.request("GET", url, **options)

    async def options(self, url: Any, **options: Any) -> Response:
        """Send an OPTIONS request."""
        return await self.request("OPTIONS", url, **options)

    async def head(self, url: Any, **options: Any) -> Response:
        """Send a HEAD request."""
        return await self.request("HEAD", url, **options)

    async def post(self, url: Any, **options: Any) -> Response:
        """Send a POST request."""
        return await self.request("POST", url, **options)

    async def put(self, url: Any, **options: Any) -> Response:
        """Send a PUT request."""
        return await self.request("PUT", url, **options)

    async def patch(self, url: Any, **options: Any) -> Response:
        """Send a PATCH request."""
        return await self.request("PATCH", url, **options)

    async def delete(self, url: Any, **options: Any) -> Response:
        """Send a DELETE request."""
        return await self.request("DELETE", url, **options)

    @awaited
    async def send(
        self,
        request: Request,
        *,
        stream: bool = False,
        auth: Any = USE_CLIENT_DEFAULT,
        follow_redirects: bool | UseClientDefault = USE_CLIENT_DEFAULT,
    ) -> Response:
        """Send a request that was built."""
        if self._is_closed:
            raise RuntimeError(
                "the client was closed: send within its `async with`, or make another"
            )
        self._is_opened = True
        # A request that no client has built says nothing of it.
        request.extensions.setdefault("timeout", self._timeout.as_dict())
        if isinstance(follow_redirects, UseClientDefault):
            follow_redirects = self.follow_redirects
        response = await self._authenticated(
            request, self._auth_for(request, auth), follow=follow_redirects
        )
        try:
            if not stream:
                await response.aread()
        except BaseException:
            await response.aclose()
            raise
        return response

    def _auth_for(self, request: Request, auth: Any) -> _auth.Auth:
        chosen = self._auth if isinstance(auth, UseClientDefault) else _auth.of(auth)
        if chosen is not None or not request.url.userinfo:
            return NO_AUTH if chosen is None else chosen
        username, password = request.url.username, request.url.password
        return _auth.BasicAuth(username, password) if username or password else NO_AUTH

    async def _authenticated(self, request: Request, auth: _auth.Auth, *, follow: bool) -> Response:
        if auth is NO_AUTH:
            return await self._redirected(request, [], follow=follow)
        flow = auth.async_auth_flow(request)
        history: list[Response] = []
        try:
            asked = await anext(flow)
            while True:
                response = await self._redirected(asked, history, follow=follow)
                try:
                    try:
                        following = await flow.asend(response)
                    except StopAsyncIteration:
                        return response
                    response.history = list(history)
                    await response.aread()
                    asked = following
                    history.append(response)
                except BaseException:
                    await response.aclose()
                    raise
        finally:
            await flow.aclose()

    async def _redirected(
        self, request: Request, history: list[Response], *, follow: bool
    ) -> Response:
        history = list(history)
        while True:
            if len(history) > self.max_redirects:
                message = f"more than {self.max_redirects} redirects, the last to {request.url}"
                raise TooManyRedirects(message, request=request)
            for hook in self._event_hooks["request"]:
                await _settled(hook(request))
            response = await self._sent(request)
            try:
                for hook in self._event_hooks["response"]:
                    await _settled(hook(response))
                response.history = list(history)
                if not response.has_redirect_location:
                    return response
                following = _redirects.following(request, response, self._cookies)
                history.append(response)
                if not follow:
                    response.next_request = following
                    return response
                await response.aread()
                request = following
            except BaseException:
                await response.aclose()
                raise

    async def _sent(self, request: Request) -> Response:
        try:
            response = await self._transport.handle_async_request(request)
        except RequestError as error:
            error._request = error._request or request
            raise
        response.request = request
        response.default_encoding = self._default_encoding
        self._cookies.extract_cookies(response)
        return response

    async def aclose(self) -> None:
        """Let no request be sent any more."""
        if not self._is_closed:
            self._is_closed = True
            await self._transport.aclose()

    async def __aenter__(self) -> Self:
        if self._is_closed:
            raise RuntimeError("the client was closed and cannot be opened again: make another")
        if self._is_opened:
            raise RuntimeError("the client is open already: leave out the second `async with`")
        self._is_opened = True
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._is_closed = True
        await self._transport.__aexit__(*raised)

    def __enter__(self) -> None:
        raise TypeError("tools are async: write `async with httpx.AsyncClient() as client:`")

    def __exit__(self, *raised: object) -> None:
        """Nothing was entered."""


for _name in ("get", "options", "head", "post", "put", "patch", "delete"):
    setattr(AsyncClient, _name, awaited(getattr(AsyncClient, _name)))


async def _settled(value: Any) -> None:
    if inspect.isawaitable(value):
        await value


def _default_headers(headers: Any) -> Headers:
    made = DEFAULT_HEADERS.copy()
    made.update(headers)
    return made


def _with_slash(url: URL) -> URL:
    if url.raw_path.endswith(b"/"):
        return url
    return url.copy_with(raw_path=url.raw_path + b"/")


NO_BASE = _with_slash(URL(""))
