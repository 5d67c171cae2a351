# tries: Clears the frames that called it while they are suspended.
# must: returns 0
import logging


async def main():
    frame, cleared = logging.sys._getframe(), 0
    while frame is not None:
        try:
            frame.clear()
            cleared += 1
        except RuntimeError:
            pass
        frame = frame.f_back
    return cleared
