# tries: Leaves tasks behind that catch their cancellation and go on.
# must: refused wall_clock|cpu
# limits: wall=2000ms cpu=2000ms
import asyncio


async def main():
    async def stay():
        while True:
            try:
                await asyncio.sleep(1)
            except BaseException:
                continue

    asyncio.create_task(stay())
    await asyncio.sleep(0)
    return "gone"
