# tries: Uses tasks, groups, queues, time-outs and asyncio.run's relatives as they are meant.
# must: returns [6, "late", [0, 1, 2]]
import asyncio


async def main():
    async def double(number):
        await asyncio.sleep(0.01)
        return 2 * number

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(double(number)) for number in range(3)]
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)
        said = "early"
    except TimeoutError:
        said = "late"
    line = asyncio.Queue()
    for number in range(3):
        line.put_nowait(number)
    return [sum(task.result() for task in tasks), said, [await line.get() for _ in range(3)]]
