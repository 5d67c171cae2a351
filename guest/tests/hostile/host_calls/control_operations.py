# tries: Asks the host for operations that it offers, one after the other and at once.
# must: returns ["abc", [0, 1, 2], 1048576]
import asyncio

from mcpbox_host import call


async def main():
    one = await call("echo", b"abc")
    several = await asyncio.gather(*(call("slow", bytes([number])) for number in range(3)))
    return [one.decode(), [answer[0] for answer in several], len(await call("megabytes", b"x"))]
