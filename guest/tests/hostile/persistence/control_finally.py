# tries: Cleans up after itself by finally, atexit-like stacks and context managers.
# must: returns ["body", "stack", "finally"]
import contextlib


async def main():
    said = []
    try:
        with contextlib.ExitStack() as stack:
            stack.callback(said.append, "stack")
            said.append("body")
    finally:
        said.append("finally")
    return said
