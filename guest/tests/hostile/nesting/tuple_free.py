# tries: Frees a chain of a million tuples, each holding the next.
# must: contained
# limits: cpu=20000ms
async def main():
    chain = ()
    for _ in range(1_000_000):
        chain = (chain,)
    del chain
    return "freed"
