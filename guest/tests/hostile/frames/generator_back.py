# tries: Climbs from a running generator's frame by f_back to the globals of the runner's event loop.
# must: returns 10
def climb():
    frame = generator.gi_frame
    yield frame
    while frame.f_back is not None:
        frame = frame.f_back
        yield frame


generator = climb()


async def main():
    refused = 0
    for builtins in [frame.f_builtins for frame in generator]:
        try:
            builtins["__import__"]("os").listdir("/home")
        except (ImportError, FileNotFoundError):
            refused += 1
    return refused
