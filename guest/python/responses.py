"""What an exception tells of the HTTP response that it is about, whichever library raised it."""

from typing import Any

PREVIEW_MAX = 500
READ_MAX = 4_000
STATUSES = range(100, 600)
URL_MAX = 200


def told(error: BaseException) -> dict[str, Any] | None:
    """Return `{status, url, body}` of a response, as far as it is known.

    Nothing is said about exceptions that have no status of HTTP.
    """
    response = _get(error, "response")
    status = _status(response) if response is not None else None
    if status is None:
        status = _status(error)
    if status is None or not isinstance(error, Exception):
        return None
    found: dict[str, Any] = {"status": status}
    url = _url(response) or _url(_get(error, "request")) or _url(error)
    if url:
        found["url"] = url[:URL_MAX]
    body = _body(response) or _body(error)
    if body:
        shortened = " ".join(body[:READ_MAX].split())
        found["body"] = shortened[:PREVIEW_MAX]
    return found


def _get(holder: Any, name: str) -> Any:
    try:
        return getattr(holder, name, None)
    except Exception:
        # Such as a body that was not read, or a request that is not known.
        return None


def _status(holder: Any) -> int | None:
    for name in ("status_code", "status", "code"):
        value = _get(holder, name)
        if not isinstance(value, int) or isinstance(value, bool) or value not in STATUSES:
            continue
        # Codes of other things are numbers as well.
        if name != "code" or _get(holder, "headers") is not None:
            return int(value)
    return None


def _url(holder: Any) -> str | None:
    value = _get(holder, "url")
    return str(value) if value is not None and not callable(value) else None


def _body(holder: Any) -> str | None:
    for name in ("text", "content", "body", "read"):
        value = _get(holder, name)
        if name == "read" and callable(value):
            try:
                value = value(READ_MAX)
            except Exception:
                # The body was read before, or its connection is closed.
                continue
        if isinstance(value, bytes | bytearray):
            value = bytes(value[:READ_MAX]).decode(errors="replace")
        if isinstance(value, str) and value.strip():
            return value
    return None
