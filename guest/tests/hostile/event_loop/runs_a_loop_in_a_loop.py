# tries: Runs a second loop within the first, and the first within itself.
# must: refused exception RuntimeError
import asyncio


async def main():
    loop = asyncio.get_running_loop()
    coroutine = asyncio.sleep(0)
    try:
        loop.run_until_complete(coroutine)
    finally:
        coroutine.close()
