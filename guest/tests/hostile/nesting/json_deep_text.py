# tries: Parses JSON that is nested a million deep.
# must: refused exception|recursion
import json


async def main():
    return json.loads("[" * 1_000_000)
