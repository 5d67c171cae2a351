# tries: Starts tasks that each start two more.
# must: refused memory|cpu
# limits: memory=64MB cpu=10000ms
import asyncio


async def again():
    asyncio.create_task(again())
    asyncio.create_task(again())
    await asyncio.sleep(60)


async def main():
    await again()
