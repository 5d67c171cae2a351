# tries: The same by alternatives that overlap and by lookaheads.
# must: refused cpu
# limits: cpu=500ms
import re


async def main():
    return re.match(r"^(?:(?=[ab])(a|ab|ba|b)+)+$", "ab" * 60 + "c")
