# tries: Evaluates an expression of a hundred thousand attributes and calls in a row.
# must: refused exception|recursion
async def main():
    return eval("x" + ".y()" * 100_000)
