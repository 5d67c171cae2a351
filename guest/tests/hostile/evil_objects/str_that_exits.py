# tries: Raises an exception whose __str__ ends the interpreter.
# must: refused exception __str__ raised SystemExit
class Evil(Exception):
    def __str__(self):
        raise SystemExit(9)


async def main():
    raise Evil
