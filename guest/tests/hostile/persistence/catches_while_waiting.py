# tries: Waits within try and except BaseException, so that no cancellation could end it.
# must: refused wall_clock
# limits: wall=1000ms
import asyncio


async def main():
    while True:
        try:
            await asyncio.sleep(60)
        except BaseException:
            continue
