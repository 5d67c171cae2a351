"""The operation `http.request` of the host: what is sent to it, and what it answers.

Both ways go four bytes with the length of a head (big endian), the head as JSON, and the body as it
is. The head of a request has `method`, `url`, `headers` as pairs of texts of latin-1, `timeout`
with `connect`, `read`, `write` and `pool` in seconds or null, `follow_redirects`, `max_redirects`.
The head of an answer has `status`, `reason`, `http_version`, `url`, `headers`, `elapsed` in
seconds; or it has `error` with `kind`, the name of a class, and `message`. The body of an answer
comes unpacked, whatever its headers say of that.
"""

import datetime
import json
from typing import Any

from mcpbox_guest.operations import OPERATIONS, OperationError

from ._exceptions import ConnectError, RemoteProtocolError, of_kind
from ._request import Request
from ._response import Response
from ._streams import ByteStream
from ._urls import URL

OPERATION = "http.request"
LENGTH = 4
# What the host says itself, from URL and body.
AUTOMATIC = {
    b"host": lambda request: request.url.netloc,
    b"content-length": lambda request: str(len(request.content)).encode(),
    b"transfer-encoding": lambda _: b"chunked",
    b"connection": lambda _: b"keep-alive",
}


def written(request: Request) -> bytes:
    """Return what the host is told of a request whose body was read."""
    headers = [
        [name.decode("latin-1"), value.decode("latin-1")]
        for name, value in request.headers.raw
        if not _is_automatic(name.lower(), value, request)
    ]
    limits = request.extensions.get("timeout") or {}
    head = {
        "method": request.method,
        "url": _place(request.url),
        "headers": headers,
        "timeout": {part: limits.get(part) for part in ("connect", "read", "write", "pool")},
        # Each redirect is a request of its own, so that it brings the cookies set meanwhile.
        "follow_redirects": False,
        "max_redirects": 0,
    }
    text = json.dumps(head).encode("ascii")
    return b"".join((len(text).to_bytes(LENGTH), text, request.content))


def _place(url: URL) -> str:
    if url.userinfo:
        # It was sent as a header, unless the tool has given others.
        url = url.copy_with(username=None, password=None)
    return str(url).partition("#")[0]


def _is_automatic(name: bytes, value: bytes, request: Request) -> bool:
    made = AUTOMATIC.get(name)
    return made is not None and value.lower() == made(request)


def understood(answer: bytes, request: Request) -> Response:
    """Return the response that the host tells, or raise what it says of a failure."""
    end = LENGTH + int.from_bytes(answer[:LENGTH])
    try:
        head: dict[str, Any] = json.loads(answer[LENGTH:end])
        error = head.get("error")
        if error is None:
            return _response(head, answer[end:], request)
        kind, message = error["kind"], error["message"]
    except (KeyError, ValueError, TypeError, AttributeError) as raised:
        message = f"the host's answer cannot be read: {raised}"
        raise RemoteProtocolError(message, request=request) from raised
    raise of_kind(kind, message, request)


def _response(head: dict[str, Any], body: bytes, request: Request) -> Response:
    response = Response(
        head["status"],
        headers=[(_bytes(name), _bytes(value)) for name, value in head["headers"]],
        stream=ByteStream(body),
        request=request,
        extensions={
            "http_version": head.get("http_version", "HTTP/1.1").encode("ascii"),
            "reason_phrase": _bytes(head.get("reason") or ""),
        },
    )
    if not head.get("reason"):
        del response.extensions["reason_phrase"]
    response.elapsed = datetime.timedelta(seconds=head.get("elapsed") or 0)
    return response


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


async def exchange(request: Request) -> Response:
    """Have the host carry out a request."""
    try:
        answer = await OPERATIONS.call(OPERATION, written(request))
    except OperationError as error:
        raise ConnectError(str(error), request=request) from None
    return understood(answer, request)
