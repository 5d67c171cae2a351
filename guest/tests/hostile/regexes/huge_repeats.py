# tries: Compiles repeats of repeats, whose program would fill the memory.
# must: contained
# limits: cpu=3000ms
import re


async def main():
    try:
        re.compile("(?:a{1,60000}){1,60000}" * 50)
    except (re.error, OverflowError, MemoryError, RecursionError):
        pass
    return re.match("((a{0,5}){0,5}){0,5}[c]", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") is None
