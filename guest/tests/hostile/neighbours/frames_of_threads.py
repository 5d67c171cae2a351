# tries: Lists the frames, threads and interpreters of the process for others than its own.
# must: returns [1, 1]
# repeat: 8
import logging


async def main():
    system = logging.sys
    threading = system.modules["threading"]
    return [len(system._current_frames()), len(threading.enumerate())]
