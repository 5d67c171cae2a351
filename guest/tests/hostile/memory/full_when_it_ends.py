# tries: Leaves no byte of memory free when it returns, so that the runner cannot answer.
# must: refused memory
# limits: memory=64MB cpu=20000ms
kept = []


async def main():
    size = 10_000_000
    while size:
        try:
            kept.append(bytearray(size))
        except MemoryError:
            size //= 2
    return {"result": ["x" * 1000 for _ in range(1000)]}
