# tries: Searches all loaded modules, deep, for text that looks like a key, a token or another call's secret.
# must: returns []
import logging


async def main():
    found, seen = [], set()
    stack = list(logging.sys.modules.values())
    while stack:
        value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, str) and value.startswith("CANA" + "RY") and len(value) > 20:
            found.append(value)
        elif isinstance(value, dict):
            stack += list(value.values())
        elif isinstance(value, list | tuple | set | frozenset):
            stack += list(value)
        else:
            stack += list(getattr(value, "__dict__", {}).values())
    return found
