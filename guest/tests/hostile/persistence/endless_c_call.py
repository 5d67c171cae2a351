# tries: Loops within one call into C that looks at no signal.
# must: refused cpu
# limits: cpu=500ms
import collections
import itertools


async def main():
    collections.deque(itertools.count(), maxlen=0)
