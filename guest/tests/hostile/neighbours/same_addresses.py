# tries: Makes an object where the neighbour's secret was, as addresses are the same in every call, and reads around it.
# must: returns 0
# repeat: 24
# limits: cpu=20000ms
import array


async def main():
    found = 0
    needle = "".join(reversed("YRANAC")).encode()
    for size in (24, 100, 500, 3800, 38_000, 700_000):
        kept = [bytearray(size) for _ in range(100)]
        kept += [array.array("B", bytes(size)) for _ in range(20)]
        found += sum(bytes(piece).count(needle) for piece in kept)
    return found
