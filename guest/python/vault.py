"""The global `secrets`: a mapping of the values that one call is given.

It comes as the JSON text `{"values": {name: value}, "refusals": {name: why}, "learning": bool}`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Never

from wit_world.imports import host

from . import texts

# Tells the host the name of a secret that a tool in a test asked for and does not have. It is
# cancelled at once: there is no answer to wait for.
MISSED = "secrets.missed"
NAME_MAX = 255
MISSED_MAX = 100


class SecretNotAvailableError(KeyError):
    """A tool read a secret that its call was not given."""

    # Tracebacks then show the name alone.
    __module__ = "builtins"

    def __str__(self) -> str:
        return str(self.args[0])


class Secrets(Mapping[str, str]):
    """What a tool reads as `secrets`. Nothing but `[]` shows whether it is a learning one."""

    __slots__ = ("_learning", "_missed", "_refusals", "_values")

    def __init__(self, values: dict[str, str], refusals: dict[str, str], *, learning: bool) -> None:
        self._values = values
        self._refusals = refusals
        self._learning = learning
        self._missed: set[str] = set()

    def __getitem__(self, name: str) -> str:
        if not isinstance(name, str):
            raise TypeError(f"the name of a secret is a text, not {type(name).__name__}")
        value = self._values.get(name)
        if value is not None:
            return value
        if self._learning and _can_be_told(name):
            self._tell(name)
            return f"mcpbox-placeholder-for-{name}"
        raise SecretNotAvailableError(self._refusals.get(name) or _undeclared(name))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._values

    def get(self, name: Any, default: Any = None) -> Any:
        """Return the value of a secret that the call has, or something else."""
        return self._values[name] if name in self else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<secrets: {', '.join(self._values) or 'none'}>"

    def __setitem__(self, name: object, value: object) -> Never:
        raise TypeError("`secrets` cannot be changed by a tool: a person sets the value")

    def __delitem__(self, name: object) -> Never:
        raise TypeError("`secrets` cannot be changed by a tool: a person removes it")

    def _tell(self, name: str) -> None:
        if name not in self._missed and len(self._missed) < MISSED_MAX:
            self._missed.add(name)
            host.cancel(host.start(MISSED, str.encode(name)))


# Where a module level is executed that touches none.
NONE = Secrets({}, {}, learning=False)
# Where it is executed for the types that it defines alone.
EXAMPLES = Secrets({}, {}, learning=True)


def read(text: str) -> Secrets:
    """Make the mapping of a call."""
    given = texts.read(text)
    return Secrets(given["values"], given["refusals"], learning=given["learning"])


def _can_be_told(name: str) -> bool:
    if str.__len__(name) > NAME_MAX:
        return False
    try:
        str.encode(name)
    except UnicodeEncodeError:
        return False
    return True


def _undeclared(name: str) -> str:
    return (
        f"this revision does not declare the secret {name[:NAME_MAX]!r}: add the line"
        f" `# mcpbox: secrets={name[:NAME_MAX]}` at the top, save and file it again"
    )
