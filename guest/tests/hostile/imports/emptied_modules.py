# tries: Empties sys.modules and every module in it, and goes on.
# must: contained
import logging


async def main():
    modules = logging.sys.modules
    for module in list(modules.values()):
        try:
            vars(module).clear()
        except Exception:
            continue
    modules.clear()
    import json

    return json.dumps({})
