"""The request that a redirect leads to."""

from typing import Any

from ._cookies import Cookies
from ._exceptions import InvalidURL, RemoteProtocolError
from ._headers import Headers
from ._request import Request
from ._response import Response
from ._urls import URL

SEE_OTHER, FOUND, MOVED = 303, 302, 301
DEFAULT_PORTS = {"http": 80, "https": 443}


def following(request: Request, response: Response, cookies: Cookies) -> Request:
    """Return the next request, with the cookies that are kept by now."""
    method = _method(request.method, response.status_code)
    url = _url(request, response)
    keeps_body = method == request.method or method != "GET"
    extensions: dict[str, Any] = request.extensions
    return Request(
        method,
        url,
        headers=_headers(request, url, method),
        cookies=cookies,
        stream=request.stream if keeps_body else None,
        extensions=extensions,
    )


def _method(method: str, status: int) -> str:
    if status in {SEE_OTHER, FOUND} and method != "HEAD":
        return "GET"
    return "GET" if status == MOVED and method == "POST" else method


def _url(request: Request, response: Response) -> URL:
    location = response.headers["location"]
    try:
        url = URL(location)
    except InvalidURL as error:
        message = f"the redirect leads nowhere: {error}"
        raise RemoteProtocolError(message, request=request) from None
    if url.scheme and not url.host:
        # Some servers leave out the host.
        url = url.copy_with(host=request.url.host)
    if url.is_relative_url:
        url = request.url.join(url)
    if request.url.fragment and not url.fragment:
        url = url.copy_with(fragment=request.url.fragment)
    return url


def _headers(request: Request, url: URL, method: str) -> Headers:
    headers = request.headers.copy()
    if not _same_origin(url, request.url):
        if not _is_upgrade(request.url, url):
            # Credentials are for the host that they were given for.
            headers.pop("Authorization", None)
        headers["Host"] = url.netloc.decode("ascii")
    if method != request.method and method == "GET":
        headers.pop("Content-Length", None)
        headers.pop("Transfer-Encoding", None)
    headers.pop("Cookie", None)
    return headers


def _port(url: URL) -> int | None:
    return DEFAULT_PORTS.get(url.scheme) if url.port is None else url.port


def _same_origin(one: URL, other: URL) -> bool:
    return (one.scheme, one.host, _port(one)) == (other.scheme, other.host, _port(other))


def _is_upgrade(before: URL, after: URL) -> bool:
    """Whether the same host is asked by HTTPS from now on."""
    ports = (before.scheme, _port(before), after.scheme, _port(after))
    return before.host == after.host and ports == ("http", 80, "https", 443)
