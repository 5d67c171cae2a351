# tries: Imports importlib to load a forbidden module by it.
# must: refused exception importlib
async def main():
    import importlib

    return importlib.import_module("os").listdir("/")
