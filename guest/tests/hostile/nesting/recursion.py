# tries: Calls itself without end.
# must: refused recursion RecursionError
async def main():
    await main()
