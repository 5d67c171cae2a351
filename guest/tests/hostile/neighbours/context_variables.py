# tries: Reads context variables and tasks that other calls left.
# must: returns [[], 1]
# repeat: 16
import asyncio


async def main():
    context = asyncio.events.contextvars.copy_context()
    # The settings of `decimal` are the interpreter's own, as they were in the snapshot.
    own = ("Context",)
    held = [repr(value) for value in context.values() if type(value).__name__ not in own]
    asyncio.events.contextvars.ContextVar("left").set("what one call left")
    tasks = len(asyncio.all_tasks())
    return [held, tasks]
