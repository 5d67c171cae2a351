# tries: Reaches the true builtins module from a bound method of it and opens a file of the host.
# must: refused exception FileNotFoundError
# arguments: {"path": "$FILE"}
async def main(path: str):
    true_builtins = print.__self__
    return true_builtins.open(path).read()
