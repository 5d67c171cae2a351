# tries: Raises an exception with a chain of ten thousand causes.
# must: refused exception|memory|recursion|cpu
# limits: cpu=8000ms
async def main():
    error = ValueError("0")
    for number in range(10_000):
        following = ValueError(str(number))
        following.__cause__ = error
        error = following
    raise error
