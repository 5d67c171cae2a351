# tries: Has a docstring on which a backtracking parser of sections would never end.
# must: returns null
# inspected: returns true
async def main(x: int = 1):
    __doc__
main.__doc__ = "Args:\n" + "    x (" * 50_000 + "\n\n" + "a: " * 50_000 + ":param " * 20_000
