# tries: Writes bytes that are no UTF-8, terminal sequences and null bytes.
# must: returns 1
import logging


async def main():
    logging.sys.stdout.buffer.write(bytes(range(256)) * 100 + b"\x1b]0;title\x07\x1b[2J")
    logging.sys.stdout.buffer.flush()
    return 1
