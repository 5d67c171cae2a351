# tries: Raises the event loop's own deadlock exception with a line that is no number.
# must: refused deadlock|exception
import logging


async def main():
    error = logging.sys.modules["mcpbox_guest.loop"].DeadlockError("x")
    error.line = "10**9"
    raise error
