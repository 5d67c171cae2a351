# tries: Raises out of code whose file name and lines are forged to be those of a host file.
# must: refused exception
# arguments: {"path": "$FILE"}
async def main(path: str):
    source = "\n" * 30 + "def fail():\n    raise ValueError('from a forged file')\n"
    space = {}
    exec(compile(source, path, "exec"), space)
    space["fail"]()
