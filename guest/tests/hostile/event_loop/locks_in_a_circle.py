# tries: Lets two tasks wait for each other's lock.
# must: refused deadlock
import asyncio


async def main():
    first, second = asyncio.Lock(), asyncio.Lock()

    async def take(one, other):
        async with one:
            await asyncio.sleep(0)
            async with other:
                pass

    await asyncio.gather(take(first, second), take(second, first))
