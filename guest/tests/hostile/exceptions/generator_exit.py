# tries: Raises GeneratorExit and StopIteration out of main, which the interpreter uses itself.
# must: refused exception
async def main():
    raise GeneratorExit
