# tries: Raises a SyntaxError that names a file of the host, so that its text would be shown.
# must: refused exception
# arguments: {"path": "$FILE"}
async def main(path: str):
    raise SyntaxError("look", (path, 1, 1, None))
