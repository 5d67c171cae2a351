# tries: Waits for a future that nobody will ever resolve.
# must: refused deadlock line 7
import asyncio


async def main():
    await asyncio.get_running_loop().create_future()
