"""What a tool asks the client's model, and what that answers."""

import base64
from typing import Any

from .content import Attachment

ROLES = frozenset({"user", "assistant"})


class Sample:
    """What the client's model said."""

    __slots__ = ("content", "model", "raw", "role", "stop_reason")

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.content = raw["content"]
        self.role = raw.get("role", "assistant")
        self.model = raw.get("model")
        self.stop_reason = raw.get("stopReason")

    @property
    def text(self) -> str:
        """The text of it, without pictures and sound."""
        parts = self.content if isinstance(self.content, list) else [self.content]
        return "".join(part["text"] for part in parts if part.get("type") == "text")

    def __repr__(self) -> str:
        return f"<{self.role}: {self.content!r}>"


def messages_of(given: Any) -> list[dict[str, Any]]:
    """Return the protocol's messages for a text, a picture, a message, or a list of those."""
    messages = [_message(one) for one in (given if isinstance(given, list | tuple) else [given])]
    if not messages:
        raise ValueError("messages must hold at least one text or message")
    return messages


def preferences_of(given: Any) -> dict[str, Any]:
    """Return the protocol's preferences for names of models, or for what the protocol has."""
    if isinstance(given, dict):
        return given
    names = [given] if isinstance(given, str) else given
    return {"hints": [{"name": name} for name in names]}


def _message(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or "role" not in given:
        return {"role": "user", "content": _content(given)}
    if given["role"] not in ROLES:
        raise ValueError(f"the role of a message is 'user' or 'assistant', not {given['role']!r}")
    content = given.get("content")
    if isinstance(content, list | tuple):
        return {**given, "content": [_content(part) for part in content]}
    return {**given, "content": _content(content)}


def _content(given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        return {"type": "text", "text": given}
    if isinstance(given, Attachment):
        kind = given.mime_type.partition("/")[0]
        if kind in {"image", "audio"}:
            data = base64.b64encode(given.data).decode()
            return {"type": kind, "data": data, "mimeType": given.mime_type}
    if isinstance(given, dict) and isinstance(given.get("type"), str):
        return given
    message = (
        "a message is a text, an Image, or a dict such as {'role': 'user', 'content': 'text'}, not"
        f" {type(given).__name__}"
    )
    raise TypeError(message)
