# tries: Turns iterators without end into lists, inside of one call into C.
# must: refused memory|cpu
# limits: memory=64MB cpu=10000ms
import itertools


async def main():
    return len(list(itertools.product(itertools.repeat("x", 1000), repeat=4)))
