# tries: Imports relatively, from the package that the tool could be part of.
# must: refused exception relative
async def main():
    from . import runner

    return runner
