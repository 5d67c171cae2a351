# tries: Raises an exception whose notes are an object that never ends.
# must: refused exception|cpu
# limits: cpu=1000ms
import itertools


async def main():
    error = ValueError("noted")
    error.__notes__ = itertools.count()
    raise error
