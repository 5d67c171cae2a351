# tries: Prints a hundred megabytes at once.
# must: returns null
# limits: cpu=20000ms
async def main():
    print("x" * 100_000_000)
