# tries: Reads the caches of regular expressions, of source lines and of all functions that remember.
# must: returns []
# repeat: 16
import functools
import logging
import re


async def main():
    modules = logging.sys.modules
    start = "".join(reversed("YRANAC"))
    held = [repr(key) for cache in (re._cache, re._cache2) for key in cache]
    held += [repr(key) for key in modules["linecache"].cache]
    kind = type(functools.lru_cache(abs))
    for module in list(modules.values()):
        for value in list(vars(module).values()):
            if isinstance(value, kind):
                held += [repr(found) for found in modules["gc"].get_referents(value)]
    return [text[:200] for text in held if start in text]
