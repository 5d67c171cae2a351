"""The contents of a resource.

`main` returns a text; data, such as bytes, an `Image` or a `File`; contents of the protocol,
`{"uri", "mimeType", "text" | "blob"}`, where only the last has to be there; or a list of data and
contents. Any other value is written as JSON.
"""

from collections.abc import Mapping
from typing import Any

from .blocks import CONTENTS_KEYS, DATA, Blocks, attachment
from .content import Attachment
from .results import NotSerializableError, to_json


def resource(value: Any, uri: str, room: int) -> str:
    """Return the result of `resources/read` as JSON text."""
    blocks = Blocks(room)
    if isinstance(value, list | tuple) and value and all(_is_one(item) for item in value):
        contents = [
            _contents(item, f"result[{index}]", uri, blocks) for index, item in enumerate(value)
        ]
    else:
        contents = [_contents(value, "result", uri, blocks)]
    return to_json({"contents": contents})


def _is_one(value: Any) -> bool:
    return isinstance(value, Attachment | DATA) or _is_written(value)


def _is_written(value: Any) -> bool:
    """Whether a tool wrote contents itself, and no value that is to be JSON."""
    if not isinstance(value, Mapping) or not value.keys() <= CONTENTS_KEYS:
        return False
    return isinstance(value.get("text"), str) or isinstance(value.get("blob"), str | DATA)


def _contents(value: Any, path: str, uri: str, blocks: Blocks) -> dict[str, Any]:
    if isinstance(value, str):
        return {"uri": uri, "mimeType": "text/plain", "text": value}
    if isinstance(value, Attachment | DATA):
        return {"uri": uri, **blocks.body(attachment(value))}
    if _is_written(value):
        return blocks.contents(value, path, uri)
    if value is None:
        raise NotSerializableError(path, "is None: return a text, data or a value")
    return {"uri": uri, "mimeType": "application/json", "text": to_json(value, path)}
