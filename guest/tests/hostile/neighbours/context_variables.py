# tries: Reads context variables and tasks that other calls left.
# must: returns [[], 1]
# repeat: 16
import asyncio


async def main():
    context = asyncio.events.contextvars.copy_context()
    held = [repr(value) for value in context.values()]
    tasks = len(asyncio.all_tasks())
    return [held, tasks]
