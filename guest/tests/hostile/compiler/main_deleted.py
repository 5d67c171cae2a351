# tries: Deletes its main at module level after the compiler has seen it.
# must: refused no_main
# inspected: contained
async def main():
    return 1


del main
