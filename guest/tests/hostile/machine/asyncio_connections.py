# tries: Connects and starts processes by asyncio, which the original allowed to.
# must: returns []
# arguments: {"port": "$PORT"}
import asyncio


async def main(port: int):
    reached = []
    for attempt in (
        lambda: asyncio.open_connection("127.0.0.1", port),
        lambda: asyncio.start_server(print, "127.0.0.1", 0),
        lambda: asyncio.create_subprocess_exec("id"),
        lambda: asyncio.create_subprocess_shell("id"),
        lambda: asyncio.open_unix_connection("/var/run/docker.sock"),
        lambda: asyncio.get_running_loop().getaddrinfo("localhost", 80),
    ):
        try:
            reached.append(repr(await attempt()))
        except (OSError, NotImplementedError, AttributeError):
            continue
    return reached
