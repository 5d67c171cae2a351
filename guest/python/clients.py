"""What questions to the client of a call can come to, beside an answer."""

from typing import Any


class ClientError(Exception):
    """The client did not answer a question; the text says why."""

    # Tools, and error texts, know it from there.
    __module__ = "mcpbox"


class ClientCapabilityError(ClientError):
    """The client has not declared that it can be asked this; `capability` names what is lacking."""

    __module__ = "mcpbox"

    def __init__(self, message: str, capability: str) -> None:
        super().__init__(message)
        self.capability = capability


class ClientGoneError(ClientError):
    """The client went away before it answered."""

    __module__ = "mcpbox"


class ClientTimeoutError(ClientError):
    """The client did not answer in time."""

    __module__ = "mcpbox"


class ClientRefusedError(ClientError):
    """The client answered with an error, or with something that is no answer."""

    __module__ = "mcpbox"


ERRORS = (
    ClientError,
    ClientCapabilityError,
    ClientGoneError,
    ClientTimeoutError,
    ClientRefusedError,
)
KINDS: dict[str, type[ClientError]] = {
    "gone": ClientGoneError,
    "timed_out": ClientTimeoutError,
    "refused": ClientRefusedError,
}


def failure(told: dict[str, Any]) -> ClientError:
    """Return the exception for what the host says of a question without an answer."""
    message, kind = told["message"], told["kind"]
    if kind == "unsupported":
        return ClientCapabilityError(message, told["capability"])
    return KINDS.get(kind, ClientError)(message)


def missing_capability(error: BaseException | None) -> str | None:
    """Return what the client lacked, where an exception is about that; of a group, the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error.capability if isinstance(error, ClientCapabilityError) else None
