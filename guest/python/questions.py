"""The operation `client.ask` of the host: a question to the client that made the call.

Its payload is JSON: `key`, `kind` (`elicit`, `sample` or `roots`), `params` as the protocol has
them, and `together`, how many are asked in the same step of the event loop, this one included. The
answer is JSON, too: `{"answer": …}` with the protocol's result, or `{"error": {"kind", "message",
"capability"}}`, where `kind` is `unsupported` (`capability` then names what the client lacks),
`gone`, `timed_out`, `refused` or `limit`.
"""

import asyncio
from typing import Any

from . import clients, texts
from .operations import OPERATIONS, OperationError
from .results import NotSerializableError, to_json

ASK = "client.ask"


class Question:
    """One question, which the host hears of at the end of this step of the event loop."""

    def __init__(self, text: str, answer: asyncio.Future[bytes], *, is_able: bool) -> None:
        self.text = text
        self.answer = answer
        self.is_able = is_able
        self._identifier: int | None = None

    def send(self, together: int) -> None:
        """Hand it to the host."""
        payload = f'{self.text[:-1]}, "together": {together}}}'.encode()
        self._identifier = OPERATIONS.begin(ASK, payload, self.answer)

    def drop(self) -> None:
        """Take it back unless it is answered."""
        self.answer.cancel()
        if self._identifier is not None:
            OPERATIONS.forget(self._identifier)


class Questions:
    """The questions of one call."""

    def __init__(self) -> None:
        self._step: list[Question] = []
        self._asked: dict[str, int] = {}

    async def ask(
        self, kind: str, params: dict[str, Any], key: str | None, *, is_able: bool
    ) -> Any:
        """Ask the client, and wait for what it answers; `is_able` where it can be asked that."""
        loop = asyncio.get_running_loop()
        text = _written({"key": self._key(kind, key), "kind": kind, "params": params})
        question = Question(text, loop.create_future(), is_able=is_able)
        earlier = [] if is_able else [one.answer for one in self._step if not one.is_able]
        if not self._step:
            loop.call_soon(self._send)
        self._step.append(question)
        try:
            answer = await question.answer
            if earlier:
                # All of them are refused at once: what is lacking first is told first.
                await asyncio.wait(earlier)
                await asyncio.sleep(0)
            return _understood(answer)
        except OperationError as error:
            raise clients.ClientError(str(error)) from None
        finally:
            question.drop()

    def _send(self) -> None:
        asked = [question for question in self._step if not question.answer.done()]
        self._step = []
        for question in asked:
            question.send(len(asked))

    def _key(self, kind: str, key: str | None) -> str:
        if key is None:
            self._asked[kind] = number = self._asked.get(kind, 0) + 1
            return f"{kind}-{number}"
        if not isinstance(key, str):
            raise TypeError(f"key must be a text, not {type(key).__name__}")
        return key


def _written(question: dict[str, Any]) -> str:
    try:
        return to_json(question, "the question")
    except NotSerializableError as error:
        raise TypeError(str(error)) from None


def _understood(answer: bytes) -> Any:
    told = texts.read(answer.decode())
    if "error" in told:
        raise clients.failure(told["error"])
    return told["answer"]
