"""A request: what is asked, of whom, with which body."""

from typing import Any

from . import _content
from ._cookies import Cookies
from ._exceptions import RequestNotRead
from ._headers import Headers, Item
from ._streams import ByteStream, gathered
from ._urls import URL

BODY = frozenset({"content", "data", "files", "json"})
# Methods whose requests say also that they have no body.
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
LENGTHS = frozenset({b"content-length", b"transfer-encoding"})


class Request:
    """A request that can be sent with `client.send`."""

    def __init__(  # noqa: PLR0913
        self,
        method: str,
        url: Any,
        *,
        params: Any = None,
        headers: Any = None,
        cookies: Any = None,
        stream: Any = None,
        extensions: dict[str, Any] | None = None,
        **body: Any,
    ) -> None:
        if not body.keys() <= BODY:
            message = f"Request() got an unexpected keyword argument {min(body.keys() - BODY)!r}"
            raise TypeError(message)
        self.method = method.upper()
        self.url = URL(url) if params is None else URL(url, params=params)
        self.headers = Headers(headers)
        self.extensions = {} if extensions is None else dict(extensions)
        if cookies:
            Cookies(cookies).set_cookie_header(self)
        if stream is None:
            added, self.stream = _content.of_request(body, self.headers.get("content-type"))
            self._prepare(added)
            if isinstance(self.stream, ByteStream):
                self.read()
        else:
            self.stream = stream

    def _prepare(self, added: dict[str, str]) -> None:
        """Add the headers that follow from URL and body, where they were not given."""
        for key, value in added.items():
            if key == "Transfer-Encoding" and "Content-Length" in self.headers:
                continue
            self.headers.setdefault(key, value)
        given = self.headers._list
        told = {lower for _, lower, _ in given}
        automatic: list[Item] = []
        if b"host" not in told:
            automatic.append((b"Host", b"host", self.url.netloc))
        if self.method in WITH_BODY and told.isdisjoint(LENGTHS):
            automatic.append((b"Content-Length", b"content-length", b"0"))
        self.headers = Headers.of_items(automatic + given)

    @property
    def content(self) -> bytes:
        """The body."""
        if not hasattr(self, "_content"):
            raise RequestNotRead
        return self._content

    def read(self) -> bytes:
        """Read the body, and return it."""
        if not hasattr(self, "_content"):
            whole = type(self.stream) is ByteStream
            self._content = self.stream.whole if whole else b"".join(self.stream)
            self._keep()
        return self._content

    async def aread(self) -> bytes:
        """Read the body, and return it."""
        if not hasattr(self, "_content"):
            self._content = await gathered(self.stream)
            self._keep()
        return self._content

    def _keep(self) -> None:
        if not isinstance(self.stream, ByteStream):
            # So that it can be sent again.
            self.stream = ByteStream(self._content)

    def __repr__(self) -> str:
        return f"<Request({self.method!r}, {str(self.url)!r})>"
