# tries: Leaves no byte of memory free when it raises, so that the runner cannot say why.
# must: refused memory|exception
# limits: memory=64MB cpu=20000ms
kept = []


async def main():
    size = 10_000_000
    while size:
        try:
            kept.append(bytearray(size))
        except MemoryError:
            size //= 2
    raise ValueError
