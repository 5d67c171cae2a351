# tries: Compiles a pattern whose groups are nested fifty thousand deep.
# must: refused exception|memory|recursion
import re


async def main():
    return re.compile("(" * 50_000 + "a" + ")" * 50_000)
