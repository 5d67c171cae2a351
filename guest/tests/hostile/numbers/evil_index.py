# tries: Gives lengths and positions by objects whose __index__ changes what is being read.
# must: returns ["IndexError", 0, "BufferError"]
async def main():
    said, numbers, buffer = [], list(range(1000)), bytearray(b"x" * 1000)

    class Emptying:
        def __index__(self):
            numbers.clear()
            return 500

    class Shrinking:
        def __index__(self):
            buffer.clear()
            return 500

    try:
        numbers[Emptying()] = 1
    except IndexError as error:
        said.append(type(error).__name__)
    said.append(len(numbers[: Emptying()]))
    try:
        view = memoryview(buffer)
        view[Shrinking()]
    except BufferError as error:
        said.append(type(error).__name__)
    return said
