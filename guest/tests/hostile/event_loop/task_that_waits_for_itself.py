# tries: Awaits the task that it is.
# must: refused exception cannot await on itself
import asyncio


async def main():
    await asyncio.current_task()
