# tries: Shrinks the buffer that a match is running over, from an index method within.
# must: refused exception BufferError
import re


async def main():
    text = bytearray(b"a" * 1_000_000)

    class Evil:
        def __index__(self):
            text.clear()
            return 500_000

    iterator = re.finditer(b"a+?", text)
    next(iterator)
    text.clear()
    return [found.span() for found in iterator][Evil()]
