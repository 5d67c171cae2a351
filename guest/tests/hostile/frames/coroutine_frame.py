# tries: Reads the coroutine frame of the task that runs it for what the runner passed in.
# must: returns {"arguments": {}, "secrets": {}}
import asyncio


async def main():
    frame = asyncio.current_task().get_coro().cr_frame
    while frame is not None and "given" not in frame.f_locals:
        frame = frame.f_back
    return {"arguments": arguments, "secrets": dict(secrets)}
