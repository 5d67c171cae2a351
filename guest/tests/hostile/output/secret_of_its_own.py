# tries: Prints and raises with a text as large as messages may be, so that cutting meets multi-byte characters.
# must: refused exception
async def main():
    print("ñ😀" * 400_000)
    raise ValueError("😀" * 4_000)
