# tries: Calls itself without end.
# must: refused exception RecursionError
async def main():
    await main()
