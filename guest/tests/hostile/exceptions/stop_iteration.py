# tries: Raises StopIteration with a value, as if main had returned it.
# must: refused exception
async def main():
    raise StopIteration({"ok": True})
