# tries: Sleeps longer than the call may last.
# must: refused wall_clock
# limits: wall=1000ms
import asyncio


async def main():
    await asyncio.sleep(10**6)
