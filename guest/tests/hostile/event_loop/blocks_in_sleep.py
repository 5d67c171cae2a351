# tries: Blocks in time.sleep instead of waiting, for longer than the call may last.
# must: refused wall_clock
# limits: wall=1000ms
import time


async def main():
    time.sleep(10**6)
