# tries: Compiles lambdas and comprehensions that are nested two thousand deep.
# must: refused recursion|exception|trap
async def main():
    said = []
    for text in ("lambda: " * 2000 + "1", "[" * 90 + "x" + " for x in y]" * 90, "f'{" * 150 + "1" + "}'" * 150):
        try:
            compile(text, "x", "eval")
            said.append("compiled")
        except BaseException as error:
            said.append(type(error).__name__)
    return said
