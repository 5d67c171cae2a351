# tries: Evaluates brackets that are nested a hundred thousand deep.
# must: refused exception|recursion
async def main():
    return eval("(" * 100_000 + "1" + ")" * 100_000)
