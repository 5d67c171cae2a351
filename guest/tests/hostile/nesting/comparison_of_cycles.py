# tries: Compares two lists that contain themselves.
# must: refused exception|stack
async def main():
    first, second = [], []
    first.append(first)
    second.append(second)
    return first == second
