# tries: Starts threads that go on when the call is over.
# must: refused exception can't start new thread
import logging


async def main():
    threading = logging.sys.modules["threading"]
    thread = threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True)
    thread.start()
    return "started"
