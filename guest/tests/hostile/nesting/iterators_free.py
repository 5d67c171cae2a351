# tries: Frees a chain of iterators deeper than the stack, which are freed by recursion in C.
# must: refused recursion
# limits: cpu=20000ms
import itertools


async def main():
    chain = iter(())
    for _ in range(200_000):
        chain = itertools.chain(chain)
    del chain
    return "freed"
