# tries: Asks for more than all of memory at once.
# must: refused memory 256 MB
async def main():
    return len(bytearray(300_000_000))
