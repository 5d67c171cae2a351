# tries: Raises an exception with a million notes, each of many lines.
# must: refused exception|memory|cpu
# limits: cpu=5000ms
async def main():
    error = ValueError("noted")
    error.__notes__ = ["line\n" * 100] * 100_000
    raise error
