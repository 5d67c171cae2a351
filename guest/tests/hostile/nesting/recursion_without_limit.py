# tries: Lifts the limit on recursion and recurses.
# must: refused exception|recursion|memory
# limits: cpu=20000ms
import logging


async def main():
    logging.sys.setrecursionlimit(2**31 - 1)

    def deeper():
        return deeper()

    return deeper()
