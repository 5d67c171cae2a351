# tries: Unpacks a small text that was compressed many times into more than the memory.
# must: refused memory
# limits: cpu=20000ms
import zlib


async def main():
    packed = zlib.compress(b"\0" * 50_000_000, 9)
    pieces = [zlib.decompress(packed) for _ in range(10)]
    return sum(len(piece) for piece in pieces)
