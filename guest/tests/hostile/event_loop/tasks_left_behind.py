# tries: Returns while a thousand tasks still wait, each of which prints when it is cancelled.
# must: returns "gone"
import asyncio


async def main():
    async def wait():
        try:
            await asyncio.sleep(1000)
        finally:
            print("cancelled")

    for _ in range(1000):
        asyncio.create_task(wait())
    await asyncio.sleep(0)
    return "gone"
