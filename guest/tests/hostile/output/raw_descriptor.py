# tries: Writes a gigabyte to the descriptors past Python's own streams.
# must: contained
# limits: cpu=3000ms
import logging


async def main():
    block = b"x" * 10_000_000
    for _ in range(100):
        logging.os.write(1, block)
        logging.os.write(2, block)
