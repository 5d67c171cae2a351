# tries: Shifts a bit by more than memory has.
# must: refused memory|exception
async def main():
    one = 1
    return (one << 30_000_000_000).bit_length()
