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
import math
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from mcpbox_guest.operations import OPERATIONS, OperationError

from ._config import PARTS
from ._exceptions import ConnectError, RemoteProtocolError, of_kind
from ._headers import Headers
from ._request import Request
from ._response import Response
from ._streams import ByteStream
from ._urls import URL

OPERATION = "http.request"
NUMBERS = frozenset({int, float})
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
    # Written by hand, as the encoder takes longer to begin than to write so little.
    headers = [
        f"[{quoted(name.decode('latin-1'))},{quoted(value.decode('latin-1'))}]"
        for name, lower, value in request.headers._list
        if not (lower in AUTOMATIC and value.lower() == AUTOMATIC[lower](request))
    ]
    limits = request.extensions.get("timeout") or {}
    timeout = [f'"{part}":{_number(limits.get(part))}' for part in PARTS]
    # Each redirect is a request of its own, so that it brings the cookies set meanwhile.
    text = (
        f'{{"method":{quoted(request.method)},"url":{quoted(_place(request.url))}'
        f',"headers":[{",".join(headers)}],"timeout":{{{",".join(timeout)}}}'
        ',"follow_redirects":false,"max_redirects":0}'
    ).encode("ascii")
    return b"".join((len(text).to_bytes(LENGTH), text, request.content))


def _number(value: Any) -> str:
    if value is None or value == math.inf:
        return "null"
    return repr(value) if type(value) in NUMBERS else json.dumps(value)


def _place(url: URL) -> str:
    if url.userinfo:
        # It was sent as a header, unless the tool has given others.
        url = url.copy_with(username=None, password=None)
    return str(url).partition("#")[0]


def understood(answer: bytes, request: Request) -> Response:
    """Return the response that the host tells, or raise what it says of a failure."""
    end = LENGTH + int.from_bytes(answer[:LENGTH])
    try:
        head: dict[str, Any] = json.loads(answer[LENGTH:end].decode())
        error = head.get("error")
        if error is None:
            return _response(head, answer[end:], request)
        kind, message = error["kind"], error["message"]
    except (KeyError, ValueError, TypeError, AttributeError) as raised:
        message = f"the host's answer cannot be read: {raised}"
        raise RemoteProtocolError(message, request=request) from raised
    raise of_kind(kind, message, request)


def _response(head: dict[str, Any], body: bytes, request: Request) -> Response:
    extensions = {"http_version": head.get("http_version", "HTTP/1.1").encode("ascii")}
    if head.get("reason"):
        extensions["reason_phrase"] = _bytes(head["reason"])
    response = Response(
        head["status"],
        headers=Headers.of_items(
            [((raw := _bytes(name)), raw.lower(), _bytes(value)) for name, value in head["headers"]]
        ),
        stream=ByteStream(body),
        request=request,
        extensions=extensions,
    )
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
