# tries: Tells by the monotonic clock how long the machine and the worker have been running.
# must: returns true
# repeat: 8
import time


async def main():
    return time.monotonic() < 3600 and time.process_time() < 3600
