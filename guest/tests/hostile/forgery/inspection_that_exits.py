# tries: Exits while its module level is executed for the inspection.
# must: refused exit
# inspected: returns true
raise SystemExit(0)


async def main():
    return 1
