"""Content blocks and contents of resources in the protocol's form, checked."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from . import content
from .content import MEDIA_TYPE, Attachment, AttachmentsError, File
from .results import NotSerializableError, to_json

DATA = bytes | bytearray | memoryview
TEXTUAL = {
    "application/json",
    "application/xml",
    "application/javascript",
    "application/yaml",
    "application/toml",
    "application/sql",
    "application/x-ndjson",
}
CONTENTS_KEYS = {"uri", "mimeType", "text", "blob", "_meta"}


class Blocks:
    """Writes the blocks of one result, for whose data there is so much `room` as base64."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._encoded = 0
        self._attachments = 0

    def of(self, value: Any, path: str) -> list[dict[str, Any]]:
        """Return the blocks of what a message says: those of a list are those of its items."""
        if isinstance(value, str):
            return [content.text_block(value)]
        if isinstance(value, Attachment | DATA):
            return [self._attached(attachment(value))]
        if isinstance(value, list | tuple):
            return [
                block
                for index, item in enumerate(value)
                for block in self.of(item, f"{path}[{index}]")
            ]
        if isinstance(value, Mapping) and "type" in value:
            return [self._given(dict(value), path)]
        return [content.text_block(to_json(value, path))]

    def body(self, found: Attachment) -> dict[str, Any]:
        """Return the data of a resource, as text where it is one."""
        if _is_textual(found.mime_type):
            try:
                return {"mimeType": found.mime_type, "text": found.data.decode()}
            except UnicodeDecodeError:
                pass
        return {"mimeType": found.mime_type, "blob": self._base64(found.data)}

    def contents(self, value: Mapping[Any, Any], path: str, uri: str | None) -> dict[str, Any]:
        """Return contents that a tool wrote itself; without a URI of their own they have this."""
        given = dict(value)
        unknown = [key for key in given if key not in CONTENTS_KEYS]
        if unknown:
            raise NotSerializableError(path, f"has {unknown[0]!r}, which contents have not")
        if ("text" in given) == ("blob" in given):
            raise NotSerializableError(path, "has to have either 'text' or 'blob'")
        given.setdefault("uri", uri)
        _require(given, "uri", path)
        if given.get("mimeType") is None:
            given.pop("mimeType", None)
        else:
            _check_media_type(given["mimeType"], path)
        if "text" in given:
            _require(given, "text", path)
        else:
            given["blob"] = self._data(given["blob"], f"{path}['blob']")
        # The order in which they are read most easily.
        return {
            key: given[key] for key in ("uri", "mimeType", "text", "blob", "_meta") if key in given
        }

    def _attached(self, found: Attachment) -> dict[str, Any]:
        self._attachments += 1
        kind = content.kind(found)
        if kind != "file":
            return {"type": kind, "data": self._base64(found.data), "mimeType": found.mime_type}
        name = f"/{quote(found.name, safe='')}" if found.name else ""
        uri = f"mcpbox://attachments/{self._attachments}{name}"
        return {"type": "resource", "resource": {"uri": uri, **self.body(found)}}

    def _given(self, block: dict[str, Any], path: str) -> dict[str, Any]:
        """Check a block that a tool wrote itself."""
        match block["type"]:
            case "text":
                _require(block, "text", path)
            case "image" | "audio":
                if "data" not in block:
                    raise NotSerializableError(path, "has no 'data'")
                block["data"] = self._data(block["data"], f"{path}['data']")
                _check_media_type(block.get("mimeType"), path)
            case "resource":
                resource = block.get("resource")
                if not isinstance(resource, Mapping):
                    raise NotSerializableError(
                        path, "has no 'resource' with 'uri' and 'text' or 'blob'"
                    )
                block["resource"] = self.contents(resource, f"{path}['resource']", None)
            case "resource_link":
                _require(block, "uri", path)
                _require(block, "name", path)
            case other:
                known = "text, image, audio, resource and resource_link"
                problem = f"has the type {repr(other)[:60]}; known are {known}"
                raise NotSerializableError(path, problem)
        for key in ("annotations", "_meta"):
            if key in block and not isinstance(block[key], Mapping):
                raise NotSerializableError(path, f"has {key!r} that is no dict")
        return block

    def _data(self, value: Any, path: str) -> str:
        """Return data as base64; a text is that already."""
        if isinstance(value, DATA):
            return self._base64(bytes(value))
        if isinstance(value, str):
            try:
                base64.b64decode(value, validate=True)
            except binascii.Error, ValueError:
                raise NotSerializableError(path, "is no base64: give bytes") from None
            self._take(len(value))
            return value
        raise NotSerializableError(path, f"is a {type(value).__name__}: give bytes, or base64 text")

    def _base64(self, data: bytes) -> str:
        self._take((len(data) + 2) // 3 * 4)
        return base64.b64encode(data).decode()

    def _take(self, encoded: int) -> None:
        self._encoded += encoded
        if self._encoded > self._room:
            raise AttachmentsError(self._encoded)


def attachment(value: Any) -> Attachment:
    """Return data as an attachment; what it is, is guessed."""
    return value if isinstance(value, Attachment) else File(bytes(value))


def _require(given: dict[str, Any], key: str, path: str) -> None:
    value = given.get(key)
    if not isinstance(value, str) or (key != "text" and not value):
        raise NotSerializableError(path, f"has no {key!r} that is a text")


def _check_media_type(value: Any, path: str) -> None:
    if not isinstance(value, str) or not MEDIA_TYPE.fullmatch(value.partition(";")[0].strip()):
        raise NotSerializableError(path, "needs a 'mimeType' such as 'image/png'")


def _is_textual(media_type: str) -> bool:
    return (
        media_type.startswith("text/")
        or media_type.endswith(("+json", "+xml"))
        or media_type in TEXTUAL
    )
