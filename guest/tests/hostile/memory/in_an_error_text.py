# tries: Raises an exception whose text is two hundred megabytes long.
# must: refused exception|memory
# limits: cpu=20000ms
async def main():
    raise ValueError("x" * 200_000_000)
