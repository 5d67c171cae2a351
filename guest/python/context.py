"""The global `ctx`: what a tool can say to the client that made the call, and ask of it.

What the client can be asked comes as the JSON text `{"elicit_form": bool, "elicit_url": bool,
"sample": bool, "roots": bool}`. What is only said becomes operations without an answer:
`client.progress` with `{"progress", "total", "message"}` and `client.log` with `{"level", "logger",
"data"}`. The host passes on as much of it as clients can take.
"""

from collections.abc import Coroutine
from typing import Any, Never

from . import clients, forms, sampling, texts
from .operations import OPERATIONS
from .questions import Questions
from .results import NotSerializableError, to_json

PROGRESS = "client.progress"
LOG = "client.log"
ACTIONS = ("accept", "decline", "cancel")
LEVELS = "debug info notice warning error critical alert emergency".split()
# What is longer is cut: clients show it in a line or two.
MESSAGE_MAX = 1_000
# So many bytes of JSON are logged as they are; of more, so many characters of the text.
DATA_MAX = 64 << 10
TEXT_MAX = 8_000
MAX_TOKENS = 1_000
NAMES = (
    "progress, log, debug, info, warning, error, elicit, elicit_url, sample, list_roots, client and"
    " is_error"
)


class Said(Coroutine[Any, Any, None]):
    """What `progress` and `log` return: it was said already, and may be awaited or not."""

    def __await__(self) -> Any:
        return iter(())

    def send(self, value: Any) -> Never:
        """End at once."""
        del value
        raise StopIteration

    def throw(self, *given: Any) -> Any:
        """Raise what is given."""
        raise given[0]

    def close(self) -> None:
        """Nothing is open."""


class Client:
    """What the client of the call can be asked."""

    __slots__ = ("elicit_form", "elicit_url", "roots", "sample")

    def __init__(self, given: dict[str, bool]) -> None:
        for name in self.__slots__:
            setattr(self, name, given[name])

    def __repr__(self) -> str:
        able = [name for name in self.__slots__ if getattr(self, name)]
        return f"<client: {', '.join(able) or 'cannot be asked anything'}>"


class Elicited:
    """What a person answered: `action` is `accept`, `decline` or `cancel`."""

    __slots__ = ("action", "content")

    def __init__(self, raw: dict[str, Any]) -> None:
        self.action = raw["action"]
        if self.action not in ACTIONS:
            raise ValueError(f"'action' is {self.action!r}, not accept, decline or cancel")
        self.content = raw.get("content")
        if not isinstance(self.content, dict | None):
            raise TypeError(f"'content' is {self.content!r}, not an object")

    def __repr__(self) -> str:
        return f"<{self.action}: {self.content!r}>"


class Root:
    """A place that the client works in."""

    __slots__ = ("name", "uri")

    def __init__(self, raw: dict[str, Any]) -> None:
        self.uri = raw["uri"]
        self.name = raw.get("name")

    def __repr__(self) -> str:
        return f"<root {self.uri}>"


class Context:
    """The client of one call."""

    __slots__ = ("_client", "_given", "_is_error", "_questions")

    def __init__(self, given: str) -> None:
        self._given = given
        self._client: Client | None = None
        self._is_error = False
        self._questions: Questions | None = None

    @property
    def client(self) -> Client:
        """What the client can be asked."""
        if self._client is None:
            self._client = Client(texts.read(self._given))
        return self._client

    @property
    def is_error(self) -> bool:
        """Whether the result is to be answered as an error; the tool sets it."""
        return self._is_error

    @is_error.setter
    def is_error(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"ctx.is_error is True or False, not {type(value).__name__}")
        self._is_error = value

    def progress(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> Said:
        """Say how far the call is."""
        numbers = (progress,) if total is None else (progress, total)
        if not all(isinstance(one, int | float) for one in numbers):
            raise TypeError("progress and total must be numbers")
        shown = None if message is None else _sound(message)[:MESSAGE_MAX]
        _tell(PROGRESS, {"progress": progress, "total": total, "message": shown})
        return Said()

    def log(self, data: Any, level: str = "info", logger: str | None = None) -> Said:
        """Say something to whoever watches the call."""
        if level not in LEVELS:
            raise ValueError(f"level must be one of {', '.join(LEVELS)}, not {level!r}")
        named = None if logger is None else _sound(logger)[:MESSAGE_MAX]
        _tell(LOG, {"level": level, "logger": named, "data": _short(data)})
        return Said()

    def debug(self, data: Any, logger: str | None = None) -> Said:
        """Log at the level `debug`."""
        return self.log(data, "debug", logger)

    def info(self, data: Any, logger: str | None = None) -> Said:
        """Log at the level `info`."""
        return self.log(data, "info", logger)

    def warning(self, data: Any, logger: str | None = None) -> Said:
        """Log at the level `warning`."""
        return self.log(data, "warning", logger)

    def error(self, data: Any, logger: str | None = None) -> Said:
        """Log at the level `error`; the call goes on."""
        return self.log(data, "error", logger)

    async def elicit(self, message: str, schema: Any, key: str | None = None) -> Elicited:
        """Have the person at the client fill in a form."""
        params = {"message": _text(message), "requestedSchema": forms.schema_of(schema)}
        return await self._ask("elicit", params, key, Elicited)

    async def elicit_url(self, message: str, url: str, key: str | None = None) -> Elicited:
        """Have the person at the client open a page; `accept` says that they agreed to."""
        params = {"mode": "url", "message": _text(message), "url": _text(url, "url")}
        return await self._ask("elicit", params, key, Elicited)

    async def sample(  # noqa: PLR0913
        self,
        messages: Any,
        max_tokens: int = MAX_TOKENS,
        system_prompt: str | None = None,
        model_preferences: Any = None,
        *,
        temperature: float | None = None,
        stop_sequences: list[str] | None = None,
        include_context: str | None = None,
        metadata: dict[str, Any] | None = None,
        key: str | None = None,
    ) -> sampling.Sample:
        """Ask the client's model."""
        if not isinstance(max_tokens, int) or max_tokens < 1:
            raise ValueError("max_tokens must be a whole number above 0")
        wanted = model_preferences and sampling.preferences_of(model_preferences)
        given = {
            "modelPreferences": wanted or None,
            "systemPrompt": system_prompt,
            "includeContext": include_context,
            "temperature": temperature,
            "stopSequences": stop_sequences,
            "metadata": metadata,
        }
        params = {"messages": sampling.messages_of(messages), "maxTokens": max_tokens}
        params |= {name: value for name, value in given.items() if value is not None}
        return await self._ask("sample", params, key, sampling.Sample)

    async def list_roots(self, key: str | None = None) -> list[Root]:
        """Ask for the places that the client works in."""
        return await self._ask("roots", {}, key, _roots)

    async def _ask(self, kind: str, params: dict[str, Any], key: str | None, read: Any) -> Any:
        if self._questions is None:
            self._questions = Questions()
        able = kind if kind != "elicit" else f"elicit_{params.get('mode', 'form')}"
        is_able = getattr(self.client, able)
        answer = await self._questions.ask(kind, params, key, is_able=is_able)
        try:
            return read(_object(answer))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            why = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            message = f"the client's answer cannot be read: {why[:MESSAGE_MAX]}"
            raise clients.ClientRefusedError(message) from None

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"ctx has no {name!r}: it has {NAMES}", name=name, obj=self)

    def __repr__(self) -> str:
        return f"<ctx: {self.client!r}>"


# Where a module level is executed that touches none.
NONE = Context('{"elicit_form": false, "elicit_url": false, "sample": false, "roots": false}')


def _object(answer: Any) -> dict[str, Any]:
    """Hold an answer against what all answers are."""
    if not isinstance(answer, dict):
        raise TypeError(f"it is {answer!r}, not an object")
    return answer


def _roots(raw: dict[str, Any]) -> list[Root]:
    return [Root(root) for root in raw["roots"]]


def _text(value: Any, name: str = "message") -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{name} must be a text that is not empty")
    return value


def _sound(value: Any) -> str:
    return str(value).encode(errors="replace").decode()


def _short(data: Any) -> Any:
    """Return what is logged; its text where it is no JSON, the beginning of that if it is long."""
    try:
        text = to_json(data, "data")
    except NotSerializableError:
        data = _sound(data)
        text = to_json(data)
    if len(text.encode()) <= DATA_MAX:
        return data
    shown = data if isinstance(data, str) else text
    return f"{shown[:TEXT_MAX]}… ({len(shown)} characters in all)"


def _tell(operation: str, said: dict[str, Any]) -> None:
    try:
        text = to_json(said, "what is said")
    except NotSerializableError as error:
        raise ValueError(str(error)) from None
    OPERATIONS.tell(operation, text)
