# tries: Prints more than a limit of one kilobyte allows.
# must: returns 7
# limits: stdout=1KB
async def main():
    print("y" * 5000)
    return 7
