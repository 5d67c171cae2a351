# tries: Links two exceptions to each other as cause and context, so that whoever walks the chain never ends.
# must: refused exception first
async def main():
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    first.__context__, second.__context__ = second, first
    raise first
