# tries: Compiles and runs a source of many lines at run time.
# must: returns 5000
# inspected: returns true
async def main():
    lines = [f"x{number} = {number}" for number in range(5000)]
    space = {}
    exec("\n".join(lines), space)
    return sum(1 for name in space if name.startswith("x"))
