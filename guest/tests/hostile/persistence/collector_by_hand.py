# tries: Breaks objects that the interpreter shares with all modules: freezes, clears and untracks.
# must: contained
import logging


async def main():
    collector = logging.sys.modules["gc"]
    collector.unfreeze()
    for found in collector.get_objects():
        if type(found) is dict and len(found) > 50 and "__name__" in found:
            found.clear()
    collector.collect()
    return len(collector.get_objects())
