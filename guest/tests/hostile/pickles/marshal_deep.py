# tries: Loads a marshalled tuple that is nested a million deep.
# must: refused exception|memory|recursion|trap
import logging


async def main():
    marshal = logging.sys.modules["marshal"]
    return marshal.loads(b"(\x01\x00\x00\x00" * 1_000_000 + b"N")
