# tries: Searches all objects of the garbage collector, and all that they refer to, for the secrets of other calls.
# must: returns []
# repeat: 8
# limits: cpu=30000ms
import logging


async def main():
    collector = logging.sys.modules["gc"]
    collector.unfreeze()
    stack, seen, found = collector.get_objects(), set(), set()
    while stack:
        value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, bytes | bytearray):
            value = value.decode("latin-1")
        if isinstance(value, str):
            place = value.find("".join(reversed("YRANAC")))
            text = value[place : place + 38]
            if place >= 0 and len(text) == 38 and all(digit in "0123456789abcdef" for digit in text[6:]):
                found.add(text)
        else:
            stack += collector.get_referents(value)
    return sorted(found)
