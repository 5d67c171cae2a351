"""Pictures, sound and files as results, and the blocks of an answer that they become.

Tools import `Image` and `File` from the module `mcpbox`. Data that is recognised by how it begins
needs neither, where no output schema promises text in its place. An attachment stands as a block of
its own; in the JSON of the result stands `{"attachment": 1, "mime_type": …, "bytes": …, "name": …}`
in its place, where attachments are counted from 1 in the order of their blocks.
"""

import base64
import mimetypes
import re
from types import ModuleType
from typing import Any

from .clients import ERRORS
from .media import IMAGES, recognised

ATTACHMENTS_MAX = 100
NAME_MAX = 200
MEDIA_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]{0,60}/[A-Za-z0-9][\w.+-]{0,60}", re.ASCII)
# The table that the library holds; there are no files of the system to read another from.
TYPES = mimetypes.MimeTypes(filenames=())


class Attachment:
    """Data that is to reach the client as it is."""

    # Tools, and error texts, know it from there.
    __module__ = "mcpbox"

    def __init__(self, data: bytes, mime_type: str | None, name: str | None) -> None:
        if not isinstance(data, bytes | bytearray | memoryview):
            message = f"data must be bytes, not {type(data).__name__}"
            raise TypeError(message)
        if mime_type is not None and not MEDIA_TYPE.fullmatch(mime_type):
            message = f"{mime_type!r} is not a media type such as image/png"
            raise ValueError(message)
        if name is not None and not (isinstance(name, str) and 0 < len(name) <= NAME_MAX):
            message = f"name must be a text of 1 to {NAME_MAX} characters"
            raise ValueError(message)
        self.data = bytes(data)
        self.name = name
        self.mime_type = mime_type or self._guess()

    def _guess(self) -> str:
        """Return the media type by content, then by name."""
        named, packed = TYPES.guess_file_type(self.name) if self.name else (None, None)
        if packed:
            named = None
        found = recognised(self.data)
        if found == "application/zip" and named:
            # Office documents and many others are archives inside.
            return named
        return (
            found or named or ("text/plain" if _is_text(self.data) else "application/octet-stream")
        )

    def __repr__(self) -> str:
        """Name the kind and the size."""
        named = f" {self.name!r}" if self.name else ""
        return f"<{type(self).__name__}{named} {self.mime_type}, {len(self.data)} bytes>"


class Image(Attachment):
    """A picture: PNG, JPEG, GIF and WebP can be seen by models; others arrive as files."""

    __module__ = "mcpbox"

    def __init__(self, data: bytes, mime_type: str | None = None) -> None:
        super().__init__(data, mime_type, None)
        if not self.mime_type.startswith("image/"):
            message = f"the data is no picture but {self.mime_type}: give mime_type, or use File"
            raise ValueError(message)


class File(Attachment):
    """A file; a text is encoded as UTF-8."""

    __module__ = "mcpbox"

    def __init__(
        self, data: bytes | str, name: str | None = None, mime_type: str | None = None
    ) -> None:
        super().__init__(data.encode() if isinstance(data, str) else data, mime_type, name)


class AttachmentsError(Exception):
    """A result holds more bytes of attachments, as base64, than it may."""

    def __init__(self, encoded: int) -> None:
        super().__init__(f"{encoded} bytes")
        self.encoded = encoded


class Collected:
    """The attachments of one result, in order, while its JSON is written.

    Data is `recognise`d or left to be written as base64; `room` is how many bytes there are for all
    attachments as base64.
    """

    def __init__(self, *, recognise: bool, room: int) -> None:
        self.attachments: list[Attachment] = []
        self.encoded = 0
        self._recognise = recognise
        self._room = room
        self._known: dict[int, dict[str, Any]] = {}
        # Keeps what `_known` is keyed by alive, so that no other object gets the same number.
        self._held: list[Any] = []

    def reference(self, value: Any) -> dict[str, Any] | None:
        """Return what stands for a value in JSON, if it is an attachment."""
        known = self._known.get(id(value))
        if known is not None:
            return known
        attachment = value if isinstance(value, Attachment) else self._of_data(value)
        if attachment is None:
            return None
        self.encoded += (len(attachment.data) + 2) // 3 * 4
        if self.encoded > self._room:
            raise AttachmentsError(self.encoded)
        self.attachments.append(attachment)
        reference: dict[str, Any] = {
            "attachment": len(self.attachments),
            "mime_type": attachment.mime_type,
            "bytes": len(attachment.data),
        }
        if attachment.name is not None:
            reference["name"] = attachment.name
        self._held.append(value)
        self._known[id(value)] = reference
        return reference

    def _of_data(self, value: Any) -> Attachment | None:
        if not self._recognise or not isinstance(value, bytes | bytearray | memoryview):
            return None
        data = bytes(value)
        mime_type = recognised(data)
        return mime_type and File(data, None, mime_type)


def text_block(text: str) -> dict[str, Any]:
    """Return a block of text."""
    return {"type": "text", "text": text}


def kind(attachment: Attachment) -> str:
    """Return what an attachment is to a model: an image, audio or a file."""
    if attachment.mime_type in IMAGES:
        return "image"
    return "audio" if attachment.mime_type.startswith("audio/") else "file"


def block(attachment: Attachment) -> dict[str, Any]:
    """Return the block of an attachment."""
    found = {"type": kind(attachment), "mime_type": attachment.mime_type}
    if attachment.name is not None:
        found["name"] = attachment.name
    return {**found, "data": base64.b64encode(attachment.data).decode()}


def module() -> ModuleType:
    """Make the module that tools import `Image`, `File` and the errors of `ctx` from."""
    made = ModuleType("mcpbox", "What a tool can return beside JSON, and what its client may lack.")
    provided = (Image, File, *ERRORS)
    made.__dict__.update({one.__name__: one for one in provided})
    made.__all__ = sorted(one.__name__ for one in provided)
    return made


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False
