# tries: Looks for anything but zeros in memory that the allocator has just taken from the host.
# must: returns 0
# repeat: 16
# limits: cpu=20000ms
async def main():
    taken = [bytearray(10_000_000) for _ in range(12)]
    return sum(len(piece) - piece.count(0) for piece in taken)
