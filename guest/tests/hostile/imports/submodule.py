# tries: Imports a submodule of a forbidden module, and one under another name.
# must: refused exception module 'os.path' can never be imported
async def main():
    from os.path import exists as there

    return there("/etc/passwd")
