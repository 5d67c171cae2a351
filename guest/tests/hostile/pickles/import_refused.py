# tries: Imports pickle and marshal.
# must: returns ["pickle", "marshal", "shelve", "_pickle"]
async def main():
    refused = []
    for name in ("pickle", "marshal", "shelve", "_pickle"):
        try:
            __import__(name)
        except ImportError:
            refused.append(name)
    return refused
