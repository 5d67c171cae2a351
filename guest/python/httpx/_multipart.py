"""Forms with files: `multipart/form-data`."""

import io
import mimetypes
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ._urls import text_of

# The table that the library holds; there are no files of the system to read another from.
TYPES = mimetypes.MimeTypes(filenames=())
ESCAPES = {"\n": "%0A", "\r": "%0D", '"': "%22", "\\": "\\\\"} | {
    chr(code): f"%{code:02X}" for code in range(0x20) if chr(code) not in "\n\r\x1b"
}
QUOTED = str.maketrans(ESCAPES)


def encode(data: Any, files: Any, content_type: str | None) -> tuple[bytes, str]:
    """Return the body of a form, and its type; a boundary in the given type is used."""
    boundary = _boundary_of(content_type) or os.urandom(16).hex().encode("ascii")
    body = b"".join(
        b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary, headers, content)
        for headers, content in [*_fields(data or {}), *_files(files)]
    )
    body += b"--%s--\r\n" % boundary
    made = f"multipart/form-data; boundary={boundary.decode('ascii')}"
    return body, content_type if _boundary_of(content_type) else made


def _boundary_of(content_type: str | None) -> bytes | None:
    if content_type is None or not content_type.startswith("multipart/form-data"):
        return None
    for section in content_type.split(";"):
        name, _, value = section.strip().partition("=")
        if name.lower() == "boundary":
            return value.strip('"').encode("ascii")
    return None


def _disposition(name: str, filename: str | None = None) -> bytes:
    text = f'Content-Disposition: form-data; name="{name.translate(QUOTED)}"'
    if filename:
        text += f'; filename="{filename.translate(QUOTED)}"'
    return text.encode()


def _fields(data: Mapping[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    for name, value in data.items():
        if not isinstance(name, str):
            message = f"the name of a field must be str, not {type(name).__name__}: {name!r}"
            raise TypeError(message)
        for item in value if isinstance(value, list | tuple) else [value]:
            if item is not None and not isinstance(item, str | bytes | int | float):
                message = (
                    f"field {name!r} must be str, bytes, a number or None,"
                    f" not {type(item).__name__}: {item!r}"
                )
                raise TypeError(message)
            content = item if isinstance(item, bytes) else text_of(item).encode()
            yield _disposition(name), content


def _files(files: Any) -> Iterator[tuple[bytes, bytes]]:
    for name, given in files.items() if isinstance(files, Mapping) else files:
        filename, content, content_type, extra = _file(given)
        headers = dict(extra)
        if content_type is None:
            content_type = _guess(filename)
        if content_type is not None and not any(key.lower() == "content-type" for key in headers):
            headers["Content-Type"] = content_type
        lines = [_disposition(name, filename)]
        lines += [f"{key}: {value}".encode() for key, value in headers.items()]
        yield b"\r\n".join(lines), _read(content, name)


def _file(given: Any) -> tuple[str | None, Any, str | None, Mapping[str, str]]:
    """Return name, content, type and headers of a file, in whichever form it is given."""
    if not isinstance(given, tuple):
        path = str(getattr(given, "name", "upload"))
        return path.replace("\\", "/").rpartition("/")[2] or "upload", given, None, {}
    filename, content, *more = given
    return filename, content, more[0] if more else None, more[1] if len(more) > 1 else {}


def _guess(filename: str | None) -> str | None:
    if not filename:
        return None
    return TYPES.guess_type(filename)[0] or "application/octet-stream"


def _read(content: Any, name: str) -> bytes:
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    if isinstance(content, io.TextIOBase):
        message = f"the file {name!r} gives text: give bytes, as io.BytesIO or a binary file does"
        raise TypeError(message)
    if not hasattr(content, "read"):
        message = f"the file {name!r} must be bytes, str or a binary file, not {content!r}"
        raise TypeError(message)
    if hasattr(content, "seek"):
        # So that it can be sent again after a redirect or a question for credentials.
        content.seek(0)
    read = content.read()
    return read.encode() if isinstance(read, str) else read
