"""HTTP for tools: the names of the package httpx, with the host in the place of the network.

Requests are async, and the host decides which hosts they reach. Written for this guest; what it
does, and what its names are, follows httpx 0.28.
"""

import sys
from typing import NoReturn

from ._api import (
    Client,
    HTTPTransport,
    delete,
    get,
    head,
    options,
    patch,
    post,
    put,
    request,
    stream,
)
from ._auth import Auth, BasicAuth, DigestAuth, NetRCAuth
from ._client import AsyncClient
from ._codes import codes
from ._config import USE_CLIENT_DEFAULT, Limits, Timeout
from ._cookies import Cookies
from ._exceptions import (
    AddressRefused,
    CloseError,
    ConnectError,
    ConnectTimeout,
    CookieConflict,
    DecodingError,
    HostNotApproved,
    HTTPError,
    HTTPStatusError,
    InvalidURL,
    LocalProtocolError,
    NetworkError,
    PoolTimeout,
    ProtocolError,
    ProxyError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    RequestError,
    RequestNotRead,
    RequestTooLarge,
    ResponseNotRead,
    ResponseTooLarge,
    StreamClosed,
    StreamConsumed,
    StreamError,
    TimeoutException,
    TooManyRedirects,
    TransportError,
    UnsupportedProtocol,
    WriteError,
    WriteTimeout,
)
from ._headers import Headers
from ._provided import Http
from ._request import Request
from ._response import Response
from ._streams import AsyncByteStream, ByteStream, SyncByteStream
from ._transports import AsyncBaseTransport, AsyncHTTPTransport, MockTransport
from ._urls import URL, QueryParams

__version__ = "0.28.1"
__all__ = [
    "URL",
    "USE_CLIENT_DEFAULT",
    "AddressRefused",
    "AsyncBaseTransport",
    "AsyncByteStream",
    "AsyncClient",
    "AsyncHTTPTransport",
    "Auth",
    "BasicAuth",
    "ByteStream",
    "Client",
    "CloseError",
    "ConnectError",
    "ConnectTimeout",
    "CookieConflict",
    "Cookies",
    "DecodingError",
    "DigestAuth",
    "HTTPError",
    "HTTPStatusError",
    "HTTPTransport",
    "Headers",
    "HostNotApproved",
    "InvalidURL",
    "Limits",
    "LocalProtocolError",
    "MockTransport",
    "NetRCAuth",
    "NetworkError",
    "PoolTimeout",
    "ProtocolError",
    "ProxyError",
    "QueryParams",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "Request",
    "RequestError",
    "RequestNotRead",
    "RequestTooLarge",
    "Response",
    "ResponseNotRead",
    "ResponseTooLarge",
    "StreamClosed",
    "StreamConsumed",
    "StreamError",
    "SyncByteStream",
    "Timeout",
    "TimeoutException",
    "TooManyRedirects",
    "TransportError",
    "UnsupportedProtocol",
    "WriteError",
    "WriteTimeout",
    "codes",
    "delete",
    "get",
    "head",
    "options",
    "patch",
    "post",
    "put",
    "request",
    "stream",
]

for _exported in __all__:
    if hasattr(globals()[_exported], "__module__") and _exported != "USE_CLIENT_DEFAULT":
        # Error texts, and `repr`, name them as tools do.
        globals()[_exported].__module__ = __name__

http = Http(sys.modules[__name__])

# Names of the package that mean nothing in a tool, and why.
ABSENT = {
    "ASGITransport": "there are no servers in a tool: use httpx.MockTransport",
    "BaseTransport": "tools are async: use httpx.AsyncBaseTransport",
    "Proxy": "the host opens the connections, through the proxy of its own settings if any",
    "WSGITransport": "there are no servers in a tool: use httpx.MockTransport",
    "create_ssl_context": "the host opens the connections, and always checks certificates",
}


def __getattr__(name: str) -> NoReturn:
    reason = f": {ABSENT[name]}" if name in ABSENT else ""
    message = f"module {__name__!r} has no attribute {name!r}{reason}"
    raise AttributeError(message, name=name, obj=sys.modules[__name__])
