# tries: Raises a group of a hundred thousand exceptions, each with a long text.
# must: refused exception|memory|cpu
# limits: cpu=5000ms
async def main():
    raise ExceptionGroup("many", [ValueError("x" * 1000) for _ in range(100_000)])
