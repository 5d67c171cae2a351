# tries: Delegates from generator to generator a hundred thousand times.
# must: refused exception|recursion|memory
# limits: cpu=20000ms
async def main():
    def delegate(inner):
        yield from inner

    chain = iter([1])
    for _ in range(100_000):
        chain = delegate(chain)
    return next(chain)
