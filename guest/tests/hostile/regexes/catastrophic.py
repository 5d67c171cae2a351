# tries: Matches a pattern that backtracks exponentially, inside of one call into C.
# must: refused cpu
# limits: cpu=500ms
import re


async def main():
    return re.match(r"(a+)+$", "a" * 50 + "b")
