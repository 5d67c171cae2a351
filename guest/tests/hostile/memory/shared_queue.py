# tries: Fills queues, buffers and deques of every kind at once.
# must: refused memory
# limits: memory=64MB cpu=20000ms
import collections
import io
import queue


async def main():
    held, text, line = collections.deque(), io.StringIO(), queue.SimpleQueue()
    while True:
        held.extend([b"x" * 100] * 100)
        text.write("x" * 10_000)
        line.put(bytearray(1000))
