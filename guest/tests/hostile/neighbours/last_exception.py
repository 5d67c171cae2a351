# tries: Reads the exceptions that other calls ended with, and the classes that they made.
# must: returns []
# repeat: 16
import logging


async def main():
    system, found = logging.sys, []
    for name in ("last_exc", "last_value", "last_traceback"):
        if getattr(system, name, None) is not None:
            found.append(name)
    if system.exception() is not None:
        found.append("exception")
    stack = [object]
    while stack:
        kind = stack.pop()
        if kind.__module__ == "tool":
            found.append(kind.__name__)
        if kind is not type:
            stack += kind.__subclasses__()
    return sorted(set(found))
