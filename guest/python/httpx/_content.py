"""Bodies and the headers that they bring, from what a tool gives."""

import json
import warnings
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from . import _multipart
from ._streams import ByteStream, IteratedStream
from ._urls import text_of


def of_request(
    body: Mapping[str, Any], content_type: str | None
) -> tuple[dict[str, str], ByteStream | IteratedStream]:
    """Return headers and body for what is given as `content`, `data`, `files` or `json`."""
    if not body:
        return {}, ByteStream(b"")
    content, data = body.get("content"), body.get("data")
    files, value = body.get("files"), body.get("json")
    if data is not None and not isinstance(data, Mapping):
        warnings.warn(
            "data= is for forms: give content= for bytes and text", DeprecationWarning, stacklevel=4
        )
        content, data = data, None
    if content is not None:
        return of_content(content)
    if files:
        encoded, kind = _multipart.encode(data, files, content_type)
        return _headers(encoded, kind), ByteStream(encoded)
    if data:
        encoded = _form(data)
        return _headers(encoded, "application/x-www-form-urlencoded"), ByteStream(encoded)
    if value is not None:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        encoded = text.encode()
        return _headers(encoded, "application/json"), ByteStream(encoded)
    return {}, ByteStream(b"")


def of_response(body: Mapping[str, Any]) -> tuple[dict[str, str], Any]:
    """Return headers and body for `content`, `text`, `html` or `json`."""
    if body.get("content") is not None:
        return of_content(body["content"])
    for name, kind in (("text", "text/plain"), ("html", "text/html")):
        if body.get(name) is not None:
            encoded = body[name].encode()
            return _headers(encoded, f"{kind}; charset=utf-8"), ByteStream(encoded)
    if body.get("json") is not None:
        return of_request({"json": body["json"]}, None)
    return {}, ByteStream(b"")


def of_content(content: Any) -> tuple[dict[str, str], ByteStream | IteratedStream]:
    """Return headers and body for bytes, text, or something that is iterated."""
    if isinstance(content, str | bytes | bytearray | memoryview):
        encoded = content.encode() if isinstance(content, str) else bytes(content)
        return ({"Content-Length": str(len(encoded))} if encoded else {}), ByteStream(encoded)
    if isinstance(content, AsyncIterable) or (
        isinstance(content, Iterable) and not isinstance(content, dict)
    ):
        length = _length(content)
        if length is None:
            return {"Transfer-Encoding": "chunked"}, IteratedStream(content)
        return {"Content-Length": str(length)}, IteratedStream(content)
    message = (
        f"content= must be bytes, str, or an iterable of bytes, not {type(content).__name__};"
        " give json= for values, data= for forms"
    )
    raise TypeError(message)


def _headers(encoded: bytes, kind: str) -> dict[str, str]:
    return {"Content-Length": str(len(encoded)), "Content-Type": kind}


def _form(data: Mapping[str, Any]) -> bytes:
    fields: list[tuple[str, str]] = []
    for name, value in data.items():
        items = value if isinstance(value, list | tuple) else [value]
        fields += [(name, text_of(item)) for item in items]
    return urlencode(fields, doseq=True).encode("ascii")


def _length(content: Any) -> int | None:
    """Return how long a file is; nothing for what is no file."""
    if not (hasattr(content, "seek") and hasattr(content, "tell")):
        return None
    place = content.tell()
    length = content.seek(0, 2)
    content.seek(place)
    return length
