# tries: Answers operations itself by calling what the runner calls when the host has answered.
# must: refused exception|deadlock
import logging


async def main():
    operations = logging.sys.modules["mcpbox_guest.operations"].OPERATIONS
    operations._waiting = {number: None for number in range(1000)}
    operations.wait = lambda timeout: True
    operations.pending = lambda: 1 / 0
    import asyncio

    await asyncio.sleep(0.01)
