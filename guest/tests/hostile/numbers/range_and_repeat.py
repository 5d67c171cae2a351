# tries: Makes lists and texts of lengths that overflow a word of 32 bits.
# must: returns ["OverflowError", "MemoryError", "OverflowError", "MemoryError"]
async def main():
    said = []
    for attempt in (
        lambda: [0] * 2**40,
        lambda: "x" * (2**31 - 2),
        lambda: bytearray(2**33),
        lambda: b"ab" * (2**30 - 1),
    ):
        try:
            attempt()
        except (MemoryError, OverflowError) as error:
            said.append(type(error).__name__)
    return said
