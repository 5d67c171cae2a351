# tries: Looks at its own traceback and generator frame, as a tool that reports errors well does.
# must: returns ["inner", 2, "running"]
import traceback


def inner():
    raise ValueError("looked at")


def numbers():
    state = "running"
    yield state


async def main():
    try:
        inner()
    except ValueError as error:
        frames = traceback.extract_tb(error.__traceback__)
    generator = numbers()
    next(generator)
    return [frames[-1].name, len(frames), generator.gi_frame.f_locals["state"]]
