# tries: Puts its own loop and its own selector in the place of the runner's.
# must: contained
# limits: cpu=1000ms wall=3000ms
import asyncio


class Evil:
    def __getattr__(self, name):
        return lambda *values: []


async def main():
    loop = asyncio.get_running_loop()
    loop._selector = Evil()
    asyncio.events._set_running_loop(Evil())
    asyncio.set_event_loop(Evil())
    loop.call_soon = Evil()
    await asyncio.sleep(0.05)
    return 1
