"""The client of FastMCP. Arguments: the address of /mcp and the mode of the client."""

import asyncio
import sys

from fastmcp import Client
from mcp.client.subscriptions import listen
from mcp.types import ElicitResult
from peer import Peer, say


class Fast(Peer):
    """The client `fastmcp`."""

    async def page(self, cursor):
        return await self.client.list_tools_mcp(cursor=cursor)

    async def call(self, name: str, arguments: dict):
        note = self.note_progress
        return await self.client.call_tool_mcp(name, arguments, progress_handler=note)

    async def elicit(self, message, kind, params, context) -> ElicitResult:
        return ElicitResult(**self.asked(params))


async def main(url: str, mode: str) -> None:
    peer = Fast()
    client = Client(
        url, mode=mode, message_handler=peer.heard, elicitation_handler=peer.elicit, timeout=60
    )
    peer.client = client
    async with client:
        if client.protocol_version >= "2026-07-28":
            await peer.listen(listen(client.session, tools_list_changed=True))
        say({"protocol": client.protocol_version})
        await peer.obey()


asyncio.run(main(*sys.argv[1:]))
