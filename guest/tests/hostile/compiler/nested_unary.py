# tries: Evaluates a hundred thousand minus signs, which recurse in the parser and in the compiler.
# must: refused exception|recursion
async def main():
    return eval("-" * 100_000 + "1")
