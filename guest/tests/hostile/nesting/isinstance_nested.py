# tries: Asks isinstance with classes that are nested in tuples half a million deep.
# must: refused exception|recursion
# limits: cpu=20000ms
async def main():
    classes = int
    for _ in range(500_000):
        classes = (classes,)
    return isinstance("x", classes)
