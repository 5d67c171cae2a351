# tries: Sleeps for times that are negative, infinite, no number, or too large for the clock.
# must: contained
# limits: wall=2000ms cpu=2000ms
import asyncio
import logging


async def main():
    host = logging.sys.modules["wit_world.imports.host"]
    said = []
    for seconds in (-1, float("-inf"), float("nan"), -(2**70), True):
        try:
            await asyncio.wait_for(asyncio.sleep(seconds), 0.1)
            said.append("slept")
        except Exception as error:
            said.append(type(error).__name__)
    for nanoseconds in (0, 1):
        host.wait(nanoseconds)
    try:
        host.wait(2**64 - 1)
    except Exception as error:
        said.append(type(error).__name__)
    await asyncio.sleep(float("inf"))
    return said
