# tries: Keeps the loop busy with tasks that wait for nothing, for ever.
# must: refused cpu
# limits: cpu=1000ms
import asyncio


async def main():
    async def spin():
        while True:
            await asyncio.sleep(0)

    await asyncio.gather(*(spin() for _ in range(100)))
