# tries: Compares two lists that contain themselves.
# must: refused exception|recursion
async def main():
    first, second = [], []
    first.append(first)
    second.append(second)
    return first == second
