"""The official MCP client, driven by lines of JSON on standard input.

Arguments: the address of /mcp, the mode of the client (`legacy`, `auto` or a revision) and, if there is
one, a bearer token. Each command line is an object with `do`; each answer line is an object, with
`error` where the client raised.
"""

import asyncio
import contextlib
import json
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


class Peer:
    """One connected client and what it heard."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.changes = 0
        self.changed = asyncio.Event()
        self.calls: list[asyncio.Task] = []

    async def heard(self, message) -> None:
        name = type(getattr(message, "root", message)).__name__
        if name == "ToolListChangedNotification":
            self.note_change()

    def note_change(self) -> None:
        self.changes += 1
        self.changed.set()

    async def listen(self) -> None:
        async with self.client.listen(tools_list_changed=True) as events:
            self.listening.set()
            async for _ in events:
                self.note_change()

    async def tools(self) -> list:
        found, cursor = [], None
        while True:
            page = await self.client.list_tools(cursor=cursor)
            found += page.tools
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def do(self, command: dict):
        match command["do"]:
            case "about":
                return {"protocol": self.client.protocol_version}
            case "list":
                dump = [
                    tool.model_dump(by_alias=True, exclude_none=True) for tool in await self.tools()
                ]
                return {"tools": dump}
            case "call":
                answer = await self.client.call_tool(command["name"], command.get("arguments", {}))
                return answer.model_dump(by_alias=True, exclude_none=True)
            case "read":
                answer = await self.client.read_resource(command["uri"])
                return answer.model_dump(mode="json", by_alias=True, exclude_none=True)
            case "resources":
                answer = await self.client.list_resources()
                return answer.model_dump(mode="json", by_alias=True, exclude_none=True)
            case "templates":
                answer = await self.client.list_resource_templates()
                return answer.model_dump(mode="json", by_alias=True, exclude_none=True)
            case "begin":
                call = self.client.call_tool(command["name"], command.get("arguments", {}))
                self.calls.append(asyncio.create_task(call))
                await asyncio.sleep(0.05)
                return {}
            case "wait_for_change":
                if self.changes <= command.get("after", 0):
                    self.changed.clear()
                    await asyncio.wait_for(self.changed.wait(), command.get("seconds", 10))
                return {"changes": self.changes}
            case "changes":
                return {"changes": self.changes}
            case other:
                raise ValueError(f"unknown command {other}")


async def lines():
    reader = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


def say(answer: dict) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def main(url: str, mode: str, token: str | None) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=60))
        peer = Peer.__new__(Peer)
        client = Client(
            streamable_http_client(url, http_client=http),
            mode=mode,
            message_handler=peer.heard,
        )
        peer.__init__(client)
        await stack.enter_async_context(client)
        if client.protocol_version >= "2026-07-28":
            peer.listening = asyncio.Event()
            listener = asyncio.create_task(peer.listen())
            stack.callback(listener.cancel)
            await asyncio.wait_for(peer.listening.wait(), 10)
        say({"protocol": client.protocol_version})
        async for command in lines():
            try:
                say(await peer.do(command))
            except Exception as error:
                say({"error": f"{type(error).__name__}: {error}"})


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None))
