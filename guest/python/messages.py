"""The messages of a prompt.

`main` returns a text or data, which is what the user says; a list of these and of messages,
`{"role": "user" | "assistant", "content": …}`; or `{"description": str, "messages": […]}`. Content
is a text, a picture or a file, a block of the protocol, or a list of them, of which each is a
message of its own. Other values are written as JSON.
"""

from collections.abc import Mapping
from typing import Any

from .blocks import DATA, Blocks
from .content import Attachment
from .results import NotSerializableError, to_json

ROLES = ("user", "assistant")
MESSAGES_MAX = 1_000


def prompt(value: Any, room: int) -> str:
    """Return the result of `prompts/get` as JSON text."""
    result: dict[str, Any] = {}
    path = "result"
    if isinstance(value, Mapping) and "messages" in value:
        unknown = [key for key in value if key not in {"description", "messages"}]
        if unknown:
            raise NotSerializableError(
                path, f"has {unknown[0]!r} beside 'description' and 'messages'"
            )
        description = value.get("description")
        if not isinstance(description, str | None):
            raise NotSerializableError(f"{path}['description']", "is no text")
        if description:
            result["description"] = description
        value, path = value["messages"], f"{path}['messages']"
    blocks = Blocks(room)
    if isinstance(value, list | tuple):
        messages = [
            message
            for index, item in enumerate(value)
            for message in _messages(item, f"{path}[{index}]", blocks)
        ]
    else:
        messages = _messages(value, path, blocks)
    if not messages:
        raise NotSerializableError(path, "is empty: return a text or messages")
    if len(messages) > MESSAGES_MAX:
        raise NotSerializableError(path, f"holds more than {MESSAGES_MAX} messages")
    return to_json(result | {"messages": messages})


def _messages(value: Any, path: str, blocks: Blocks) -> list[dict[str, Any]]:
    """Return the messages of one item."""
    if isinstance(value, Mapping) and "role" in value:
        unknown = [key for key in value if key not in {"role", "content"}]
        if unknown or "content" not in value:
            found = f"has {unknown[0]!r}" if unknown else "has no 'content'"
            problem = f"{found}: a message is {{'role': 'user', 'content': …}}"
            raise NotSerializableError(path, problem)
        role = value["role"]
        if role not in ROLES:
            problem = f"is {repr(role)[:60]}: known are 'user' and 'assistant'"
            raise NotSerializableError(f"{path}['role']", problem)
        found = blocks.of(value["content"], f"{path}['content']")
        return [{"role": role, "content": block} for block in found]
    is_block = isinstance(value, Mapping) and "type" in value
    if is_block or isinstance(value, str | Attachment | DATA):
        return [{"role": "user", "content": block} for block in blocks.of(value, path)]
    problem = (
        f"is of type {type(value).__name__}: a prompt returns a text, messages such as"
        " [{'role': 'user', 'content': '…'}], or {'description': '…', 'messages': […]}"
    )
    raise NotSerializableError(path, problem)
