# tries: Raises exception groups that are nested fifty thousand deep.
# must: refused exception|recursion|memory
# limits: cpu=20000ms
async def main():
    group = ExceptionGroup("deepest", [ValueError("x")])
    for _ in range(50_000):
        group = ExceptionGroup("outer", [group])
    raise group
