"""An MCP server to call: `server.py PACKAGE TRANSPORT [session]`, which prints the port that it listens at.

With `session` it knows no revision without sessions.
"""

import asyncio
import contextlib
import socket
import sys

import mcp_types as types
import uvicorn
from fastmcp import FastMCP
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from pydantic import BaseModel

PACKAGE, TRANSPORT, *MODE = sys.argv[1:]
cancelled: list[str] = []


class Name(BaseModel):
    """What is asked for."""

    name: str


server = MCPServer("peer", version="1.0") if PACKAGE == "mcp" else FastMCP("peer", version="1.0")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("as it should")


@server.tool()
async def wait(name: str) -> str:
    """Waits for very long."""
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        cancelled.append(name)
        raise
    return "done"


@server.tool()
def was_cancelled() -> list[str]:
    """Tells which waits ended early."""
    return cancelled


if PACKAGE == "mcp":

    @server.tool()
    async def steps(ctx: Context) -> str:
        """Tells its progress."""
        for step in range(3):
            await ctx.report_progress(step, 3, f"step {step}")
        return "done"

    @server.tool()
    async def ask(ctx: Context) -> str:
        """Asks for a name, within the session."""
        result = await ctx.elicit("who?", Name)
        return f"hello {result.data.name}" if result.action == "accept" else result.action

    @server.tool()
    async def ask_by_result(ctx: Context) -> types.InputRequiredResult | types.CallToolResult:
        """Asks for a name, by its result."""
        if ctx.input_responses is None:
            params = types.ElicitRequestFormParams(
                message="who?", requested_schema=Name.model_json_schema()
            )
            question = types.ElicitRequest(params=params)
            return types.InputRequiredResult(input_requests={"who": question}, request_state="kept")
        name = ctx.input_responses["who"].content["name"]
        text = types.TextContent(type="text", text=f"hello {name}, {ctx.request_state}")
        return types.CallToolResult(content=[text])

    @server.tool()
    async def change(ctx: Context) -> str:
        """Adds a tool, and says so."""
        server.add_tool(lambda: "new", name="new", description="New.")
        await ctx.notify_tools_changed()
        with contextlib.suppress(Exception):
            await ctx.session.send_tool_list_changed()
        return "done"

    for number in range(120):
        server.add_tool(lambda: "x", name=f"tool_{number}", description="One of many.")


def old(app):
    """The same without the revision that has no sessions."""

    async def wrapped(scope, receive, send):
        if scope["type"] == "http" and any(name == b"mcp-method" for name, _ in scope["headers"]):
            await send(
                {
                    "type": "http.response.start",
                    "status": 400,
                    "headers": [(b"content-type", b"text/plain")],
                }
            )
            await send({"type": "http.response.body", "body": b"Bad Request: no session"})
        else:
            await app(scope, receive, send)

    return wrapped


def application():
    """The server as an application of HTTP."""
    if PACKAGE == "fastmcp":
        return server.http_app(transport=TRANSPORT)
    return server.sse_app() if TRANSPORT == "sse" else server.streamable_http_app()


if TRANSPORT == "stdio":
    server.run("stdio")
else:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    app = application()
    app = old(app) if MODE else app
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))
