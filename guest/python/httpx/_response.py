"""A response: what was answered, and how it is read."""

import codecs
import datetime
import email.message
import json as json_module
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from . import _content
from ._codes import codes
from ._cookies import Cookies
from ._exceptions import HTTPStatusError, ResponseNotRead, StreamClosed, StreamConsumed
from ._headers import Headers
from ._request import Request
from ._streams import ByteStream, Chunks, Lines
from ._urls import URL

PARAMETER = r"""\s*;\s*([^\s=;,]+)\s*=\s*("[^"]*"|'[^']*'|[^\s;,]*)"""
LINK = re.compile(rf"<([^>]*)>((?:{PARAMETER})*)")
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PROBLEMS = {
    1: "Informational response",
    3: "Redirect response",
    4: "Client error",
    5: "Server error",
}


class Response:
    """What was answered."""

    def __init__(  # noqa: PLR0913
        self,
        status_code: int,
        *,
        headers: Any = None,
        content: Any = None,
        text: str | None = None,
        html: str | None = None,
        json: Any = None,
        stream: Any = None,
        request: Request | None = None,
        extensions: dict[str, Any] | None = None,
        history: list[Response] | None = None,
        default_encoding: str | Callable[[bytes], str] = "utf-8",
    ) -> None:
        self.status_code = status_code
        self.headers = Headers(headers)
        self.extensions: dict[str, Any] = {} if extensions is None else dict(extensions)
        self.history = [] if history is None else list(history)
        # What a client makes of a redirect that it does not follow.
        self.next_request: Request | None = None
        self.default_encoding = default_encoding
        self.is_closed = False
        self.is_stream_consumed = False
        self._request = request
        self._downloaded = 0
        self._elapsed: datetime.timedelta | None = None
        if stream is None:
            body = {"content": content, "text": text, "html": html, "json": json}
            added, self.stream = _content.of_response(body)
            for key, value in added.items():
                self.headers.setdefault(key, value)
            if isinstance(self.stream, ByteStream):
                self.read()
        else:
            self.stream = stream

    @property
    def request(self) -> Request:
        """The request that was answered, the last one after redirects."""
        if self._request is None:
            raise RuntimeError("the response belongs to no request: .request was not set")
        return self._request

    @request.setter
    def request(self, value: Request) -> None:
        self._request = value

    @property
    def elapsed(self) -> datetime.timedelta:
        """The time from sending the request to the end of the answer."""
        if self._elapsed is None:
            raise RuntimeError(".elapsed is known once the response has been read or closed")
        return self._elapsed

    @elapsed.setter
    def elapsed(self, value: datetime.timedelta) -> None:
        self._elapsed = value

    @property
    def http_version(self) -> str:
        """The version that was spoken, such as `HTTP/1.1`."""
        return _ascii(self.extensions.get("http_version"), "HTTP/1.1")

    @property
    def reason_phrase(self) -> str:
        """The status in words."""
        return _ascii(
            self.extensions.get("reason_phrase"), codes.get_reason_phrase(self.status_code)
        )

    @property
    def url(self) -> URL:
        """The URL that has answered, the last one after redirects."""
        return self.request.url

    @property
    def content(self) -> bytes:
        """The body."""
        if not hasattr(self, "_content"):
            raise ResponseNotRead
        return self._content

    @property
    def text(self) -> str:
        """The body as text."""
        if not hasattr(self, "_text"):
            decoder = self._decoder()
            self._text = decoder.decode(self.content, final=True)
        return self._text

    @property
    def encoding(self) -> str | None:
        """The encoding of the text: set, or told by the headers, or the default one."""
        if not hasattr(self, "_encoding"):
            told = self.charset_encoding
            if told is not None and _is_known(told):
                self._encoding: str | None = told
            elif isinstance(self.default_encoding, str):
                self._encoding = self.default_encoding
            else:
                body: bytes = getattr(self, "_content", b"")
                self._encoding = self.default_encoding(body) if body else "utf-8"
        return self._encoding

    @encoding.setter
    def encoding(self, value: str) -> None:
        if hasattr(self, "_text"):
            raise ValueError("the encoding is set before .text is read")
        self._encoding = value

    @property
    def charset_encoding(self) -> str | None:
        """The encoding that the headers tell."""
        told = self.headers.get("content-type")
        if told is None:
            return None
        message = email.message.Message()
        message["content-type"] = told
        return message.get_content_charset(failobj=None)

    def _decoder(self) -> codecs.IncrementalDecoder:
        name = self.encoding or "utf-8"
        return codecs.getincrementaldecoder(name if _is_known(name) else "utf-8")("replace")

    @property
    def is_informational(self) -> bool:
        """Whether the status is 1xx."""
        return codes.is_informational(self.status_code)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return codes.is_success(self.status_code)

    @property
    def is_redirect(self) -> bool:
        """Whether the status is 3xx."""
        return codes.is_redirect(self.status_code)

    @property
    def is_client_error(self) -> bool:
        """Whether the status is 4xx."""
        return codes.is_client_error(self.status_code)

    @property
    def is_server_error(self) -> bool:
        """Whether the status is 5xx."""
        return codes.is_server_error(self.status_code)

    @property
    def is_error(self) -> bool:
        """Whether the status is 4xx or 5xx."""
        return codes.is_error(self.status_code)

    @property
    def has_redirect_location(self) -> bool:
        """Whether it says where the answer is."""
        return self.status_code in REDIRECTS and "Location" in self.headers

    def raise_for_status(self) -> Response:
        """Raise unless the status is 2xx; return the response."""
        request = self.request
        if self.is_success:
            return self
        kind = PROBLEMS.get(self.status_code // 100, "Invalid status code")
        message = f"{kind} '{self.status_code} {self.reason_phrase}' for url '{self.url}'"
        if self.has_redirect_location:
            message += (
                f"\nRedirect location: '{self.headers['location']}'"
                " (follow_redirects=True goes there)"
            )
        raise HTTPStatusError(message, request=request, response=self)

    def json(self, **options: Any) -> Any:
        """Return the body read as JSON; names go to `json.loads`."""
        return json_module.loads(self.content, **options)

    @property
    def cookies(self) -> Cookies:
        """The cookies that this response sets."""
        if not hasattr(self, "_cookies"):
            self._cookies = Cookies()
            self._cookies.extract_cookies(self)
        return self._cookies

    @property
    def links(self) -> dict[str, dict[str, str]]:
        """The header `Link`, by relation or, where there is none, by URL."""
        found: dict[str, dict[str, str]] = {}
        for match in LINK.finditer(self.headers.get("link", "")):
            link = {"url": match[1]}
            for key, value in re.findall(PARAMETER, match[2]):
                link[key] = value.strip("'\"")
            found[link.get("rel") or link["url"]] = link
        return found

    @property
    def num_bytes_downloaded(self) -> int:
        """How much of the body was read, as the host has unpacked it."""
        return self._downloaded

    def read(self) -> bytes:
        """Read the body, and return it."""
        if not hasattr(self, "_content"):
            self._content = b"".join(self.iter_bytes())
        return self._content

    async def aread(self) -> bytes:
        """Read the body, and return it."""
        if not hasattr(self, "_content"):
            if type(self.stream) is ByteStream:
                self._content = self._whole(self.stream)
            else:
                self._content = b"".join([part async for part in self.aiter_bytes()])
        return self._content

    def _whole(self, stream: ByteStream) -> bytes:
        """Take a body that is there as a whole, for which nothing need be iterated."""
        self._begin()
        self._downloaded = len(stream.whole)
        self.is_closed = True
        return stream.whole

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Give the body in parts as they came, unpacked by the host."""
        self._begin()
        chunks = Chunks(chunk_size)
        for part in self.stream:
            self._downloaded += len(part)
            yield from chunks.feed(part)
        yield from chunks.rest()
        self.close()

    async def aiter_raw(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Give the body in parts as they came, unpacked by the host."""
        self._begin()
        chunks = Chunks(chunk_size)
        async for part in self.stream:
            self._downloaded += len(part)
            for chunk in chunks.feed(part):
                yield chunk
        for chunk in chunks.rest():
            yield chunk
        await self.aclose()

    def _begin(self) -> None:
        if self.is_stream_consumed:
            raise StreamConsumed
        if self.is_closed:
            raise StreamClosed
        self.is_stream_consumed = True

    def _held(self, chunk_size: int | None) -> list[bytes]:
        chunks = Chunks(len(self._content) or 1 if chunk_size is None else chunk_size)
        return [*chunks.feed(self._content), *chunks.rest()]

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Give the body in parts, also after it was read."""
        yield from (
            self._held(chunk_size) if hasattr(self, "_content") else self.iter_raw(chunk_size)
        )

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Give the body in parts, also after it was read."""
        if hasattr(self, "_content"):
            for chunk in self._held(chunk_size):
                yield chunk
            return
        async for chunk in self.aiter_raw(chunk_size):
            yield chunk

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        """Give the body as parts of text."""
        decoder, chunks = self._decoder(), Chunks(chunk_size)
        for part in self.iter_bytes():
            yield from chunks.feed(decoder.decode(part))
        yield from [*chunks.feed(decoder.decode(b"", final=True)), *chunks.rest()]

    async def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """Give the body as parts of text."""
        decoder, chunks = self._decoder(), Chunks(chunk_size)
        async for part in self.aiter_bytes():
            for chunk in chunks.feed(decoder.decode(part)):
                yield chunk
        for chunk in [*chunks.feed(decoder.decode(b"", final=True)), *chunks.rest()]:
            yield chunk

    def iter_lines(self) -> Iterator[str]:
        """Give the body line by line."""
        lines = Lines()
        for part in self.iter_text():
            yield from lines.feed(part)
        yield from lines.rest()

    async def aiter_lines(self) -> AsyncIterator[str]:
        """Give the body line by line."""
        lines = Lines()
        async for part in self.aiter_text():
            for line in lines.feed(part):
                yield line
        for line in lines.rest():
            yield line

    def close(self) -> None:
        """Let go of a body that was not read."""
        if not self.is_closed:
            self.is_closed = True
            if hasattr(self.stream, "close"):
                self.stream.close()

    async def aclose(self) -> None:
        """Let go of a body that was not read."""
        if not self.is_closed:
            self.is_closed = True
            if hasattr(self.stream, "aclose"):
                await self.stream.aclose()

    def __repr__(self) -> str:
        return f"<Response [{self.status_code} {self.reason_phrase}]>"


def _ascii(value: Any, default: str) -> str:
    if value is None:
        return default
    return value.decode("ascii", errors="ignore") if isinstance(value, bytes) else str(value)


def _is_known(encoding: str) -> bool:
    try:
        # Nothing is looked up for no bytes.
        b"text".decode(encoding, "replace")
    except LookupError, ValueError:
        # Also what encodes something else than text.
        return False
    return True
