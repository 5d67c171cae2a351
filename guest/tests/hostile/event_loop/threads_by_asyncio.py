# tries: Runs work that never ends in the threads of asyncio.
# must: refused cpu
# limits: cpu=1000ms
import asyncio


async def main():
    def endless():
        while True:
            pass

    await asyncio.wait_for(asyncio.to_thread(endless), 0.1)
