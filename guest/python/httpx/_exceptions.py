"""What can go wrong with a request, as a tree of classes."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._request import Request
    from ._response import Response


class HTTPError(Exception):
    """Anything that a request, or `raise_for_status`, fails with."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self._request: Request | None = None

    @property
    def request(self) -> Request:
        """The request that failed."""
        if self._request is None:
            raise RuntimeError("the exception knows of no request: .request was not set")
        return self._request

    @request.setter
    def request(self, request: Request) -> None:
        self._request = request


class RequestError(HTTPError):
    """A request that got no complete answer."""

    def __init__(self, message: str, *, request: Request | None = None) -> None:
        super().__init__(message)
        self._request = request


class TransportError(RequestError):
    """A request that failed on its way."""


class TimeoutException(TransportError):  # noqa: N818
    """Something took longer than it may."""


class ConnectTimeout(TimeoutException):
    """No connection within the time."""


class ReadTimeout(TimeoutException):
    """No answer within the time."""


class WriteTimeout(TimeoutException):
    """The request could not be sent within the time."""


class PoolTimeout(TimeoutException):
    """Too many other requests were under way for the time."""


class NetworkError(TransportError):
    """A connection failed."""


class ReadError(NetworkError):
    """An answer could not be read."""


class WriteError(NetworkError):
    """A request could not be sent."""


class ConnectError(NetworkError):
    """A connection was refused, or its certificate is not right."""


class HostNotApproved(ConnectError):  # noqa: N818
    """No person has approved the host for tools of this server; the text says how to ask."""


class AddressRefused(ConnectError):  # noqa: N818
    """The host, or what its name leads to, is nothing that anyone can approve."""


class ResponseTooLarge(ReadError):  # noqa: N818
    """The answer is larger than the host takes."""


class CloseError(NetworkError):
    """A connection could not be closed."""


class ProxyError(TransportError):
    """A proxy on the way failed."""


class UnsupportedProtocol(TransportError):  # noqa: N818
    """The URL is not one of HTTP."""


class ProtocolError(TransportError):
    """One side has broken the rules of HTTP."""


class LocalProtocolError(ProtocolError):
    """The request is not one of HTTP."""


class RequestTooLarge(LocalProtocolError):  # noqa: N818
    """The body is larger than the host sends."""


class RemoteProtocolError(ProtocolError):
    """The answer is not one of HTTP."""


class DecodingError(RequestError):
    """The body is not packed as its headers say."""


class TooManyRedirects(RequestError):  # noqa: N818
    """One redirect followed the other."""


class HTTPStatusError(HTTPError):
    """The answer tells of an error; `raise_for_status` raises it."""

    def __init__(self, message: str, *, request: Request, response: Response) -> None:
        super().__init__(message)
        self.request = request
        self.response = response


class InvalidURL(Exception):  # noqa: N818
    """A URL that cannot be read."""


class CookieConflict(Exception):  # noqa: N818
    """Several cookies have that name: say which domain or path is meant."""


class StreamError(RuntimeError):
    """A body was used in a way, or at a time, that it cannot be."""


class StreamConsumed(StreamError):  # noqa: N818
    """A body was to be read twice that can be read once."""

    def __init__(self) -> None:
        super().__init__("the body has been iterated already, and can be only once")


class StreamClosed(StreamError):  # noqa: N818
    """A body was to be read after it was closed."""

    def __init__(self) -> None:
        super().__init__("the body was closed before it was read")


class ResponseNotRead(StreamError):  # noqa: N818
    """The body of a streamed response was used before it was read."""

    def __init__(self) -> None:
        super().__init__("a streamed response is read first: `await response.aread()`")


class RequestNotRead(StreamError):  # noqa: N818
    """The body of a request was used before it was read."""

    def __init__(self) -> None:
        super().__init__("a streamed request is read first: `await request.aread()`")


# What the host calls the ways in which it fails.
KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        HostNotApproved,
        AddressRefused,
        RequestTooLarge,
        ResponseTooLarge,
        ConnectError,
        ConnectTimeout,
        ReadError,
        ReadTimeout,
        WriteError,
        WriteTimeout,
        PoolTimeout,
        CloseError,
        ProxyError,
        UnsupportedProtocol,
        LocalProtocolError,
        RemoteProtocolError,
        DecodingError,
        TooManyRedirects,
        InvalidURL,
    )
}


def of_kind(kind: str, message: str, request: Request) -> Exception:
    """Return the exception for what the host says."""
    if kind == "InvalidURL":
        return InvalidURL(message)
    return KINDS.get(kind, TransportError)(message, request=request)
