# tries: Stops and closes the loop that it runs in.
# must: contained
import asyncio


async def main():
    loop = asyncio.get_running_loop()
    loop.stop()
    loop._closed = True
    loop._ready.clear()
    await asyncio.sleep(0)
    return 1
