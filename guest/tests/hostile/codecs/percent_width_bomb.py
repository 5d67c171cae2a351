# tries: Asks for the same by the percent operator, with the width as an argument.
# must: refused memory
async def main():
    return len("%*d" % (900_000_000, 1))
