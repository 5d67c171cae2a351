# tries: Prints to both streams, and so does a logger.
# must: returns 1
# prints: to the first
import logging


async def main():
    print("to the first")
    print("to the second", file=logging.sys.stderr)
    logging.warning("by a logger")
    return 1
