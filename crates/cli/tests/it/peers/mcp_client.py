"""The official MCP client in Python.

Arguments: the address of /mcp, the mode of the client (`legacy`, `auto` or a revision) and, if there is
one, a bearer token. An address that begins with `stdio+` is reached by starting `mcpbox stdio`, which the
variable MCPBOX names.
"""

import asyncio
import contextlib
import os
import sys

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult
from peer import Peer, dump, say


class Official(Peer):
    """The client `mcp`, and what it can do beside tools."""

    async def page(self, cursor):
        return await self.client.list_tools(cursor=cursor)

    async def call(self, name: str, arguments: dict):
        note = self.note_progress
        return await self.client.call_tool(name, arguments, progress_callback=note)

    async def elicit(self, context, params) -> ElicitResult:
        return ElicitResult(**self.asked(params))

    async def do(self, command: dict):
        match command["do"]:
            case "read":
                return dump(await self.client.read_resource(command["uri"]))
            case "resources":
                return dump(await self.client.list_resources())
            case "templates":
                return dump(await self.client.list_resource_templates())
        return await super().do(command)


def over_pipes(url: str, token: str | None) -> StdioServerParameters:
    return StdioServerParameters(
        command=os.environ["MCPBOX"],
        args=["stdio", "--url", url.removeprefix("stdio+")],
        env={"MCPBOX_TOKEN": token} if token else None,
    )


async def main(url: str, mode: str, token: str | None) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=60))
        peer = Official()
        peer.client = client = Client(
            over_pipes(url, token)
            if url.startswith("stdio+")
            else streamable_http_client(url, http_client=http),
            mode=mode,
            message_handler=peer.heard,
            elicitation_callback=peer.elicit,
        )
        await stack.enter_async_context(client)
        if client.protocol_version >= "2026-07-28":
            await peer.listen(client.listen(tools_list_changed=True))
            stack.callback(peer.listener.cancel)
        say({"protocol": client.protocol_version})
        await peer.obey()


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None))
