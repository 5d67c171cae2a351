# tries: Recurses through C without limit: sorting that compares by sorting.
# must: refused exception|recursion|memory
# limits: cpu=20000ms
import logging


async def main():
    logging.sys.setrecursionlimit(2**31 - 1)

    class Sorted:
        def __lt__(self, other):
            sorted([Sorted(), Sorted()])
            return True

    return sorted([Sorted(), Sorted()])
