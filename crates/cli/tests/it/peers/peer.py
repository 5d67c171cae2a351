"""What the clients in Python share: commands are lines of JSON on standard input, answers lines on standard output.

Each command is an object with `do`; each answer is an object, with `error` where the client raised.
"""

import asyncio
import json
import sys


class Peer:
    """A client, what it heard, and what it answers when it is asked."""

    def __init__(self) -> None:
        self.client = None
        self.changes = 0
        self.changed = asyncio.Event()
        self.progress = 0
        self.questions: list[dict] = []
        self.answer = {"action": "cancel"}
        self.calls: list[asyncio.Task] = []

    async def heard(self, message) -> None:
        name = type(getattr(message, "root", message)).__name__
        if name == "ToolListChangedNotification":
            self.note_change()

    def note_change(self) -> None:
        self.changes += 1
        self.changed.set()

    async def note_progress(self, progress, total, message) -> None:
        self.progress += 1

    def asked(self, question) -> dict:
        self.questions.append(question.model_dump(mode="json", by_alias=True, exclude_none=True))
        return self.answer

    async def listen(self, events) -> None:
        """Listen for changes until the client ends; returns once the server has agreed."""
        listening = asyncio.Event()

        async def note_all() -> None:
            async with events as stream:
                listening.set()
                async for _ in stream:
                    self.note_change()

        self.listener = asyncio.create_task(note_all())
        await asyncio.wait_for(listening.wait(), 10)

    async def tools(self) -> list:
        found, cursor = [], None
        while True:
            page = await self.page(cursor)
            found += page.tools
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def do(self, command: dict):
        match command["do"]:
            case "list":
                return {"tools": [dump(tool) for tool in await self.tools()]}
            case "call":
                return dump(await self.call(command["name"], command.get("arguments", {})))
            case "begin":
                call = self.call(command["name"], command.get("arguments", {}))
                self.calls.append(asyncio.create_task(call))
                await asyncio.sleep(0.05)
                return {}
            case "cancel":
                call = self.calls.pop()
                call.cancel()
                await asyncio.wait([call])
                return {"cancelled": call.cancelled()}
            case "answer":
                self.answer = command["answer"]
                return {}
            case "heard":
                return {"progress": self.progress, "questions": self.questions}
            case "changes":
                return {"changes": self.changes}
            case "wait_for_change":
                if self.changes <= command.get("after", 0):
                    self.changed.clear()
                    await asyncio.wait_for(self.changed.wait(), command.get("seconds", 10))
                return {"changes": self.changes}
            case other:
                raise ValueError(f"unknown command {other}")

    async def obey(self) -> None:
        """Do what standard input says until it ends."""
        async for command in lines():
            try:
                say(await self.do(command))
            except Exception as error:
                say({"error": f"{type(error).__name__}: {error}"})


def dump(answer) -> dict:
    return answer.model_dump(mode="json", by_alias=True, exclude_none=True)


async def lines():
    reader = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


def say(answer: dict) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
