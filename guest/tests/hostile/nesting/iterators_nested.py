# tries: Asks an iterator that is nested half a million deep for its first element.
# must: refused exception|recursion|memory
# limits: cpu=20000ms
async def main():
    chain = iter("x")
    for _ in range(500_000):
        chain = map(str, chain)
    return next(chain)
