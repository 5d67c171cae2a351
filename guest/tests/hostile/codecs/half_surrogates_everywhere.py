# tries: Puts halves of surrogate pairs into the result, its keys, the error and the output.
# must: refused exception
async def main():
    print("\udcff\ud800")
    raise ValueError("\ud83d alone \udfff")
