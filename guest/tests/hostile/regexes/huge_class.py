# tries: Compiles character classes that hold every character there is, a hundred times.
# must: contained
# limits: cpu=3000ms
import re


async def main():
    every = "".join(re.escape(chr(code)) for code in range(0, 0xD800, 2))
    return len(re.compile(f"[{every}]" * 20).pattern)
