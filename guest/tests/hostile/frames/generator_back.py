# tries: Climbs from a running generator's frame by f_back to the globals of the runner's event loop.
# must: returns true
def climb():
    frame = generator.gi_frame
    yield frame
    while frame.f_back is not None:
        frame = frame.f_back
        yield frame


generator = climb()


async def main():
    refused, reached = 0, [frame.f_builtins for frame in generator]
    for builtins in reached:
        try:
            builtins["__import__"]("os").listdir("/home")
        except (ImportError, FileNotFoundError):
            refused += 1
    return refused == len(reached) > 3
