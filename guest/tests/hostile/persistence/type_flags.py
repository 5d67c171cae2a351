# tries: Adds attributes to builtin types by the dictionaries behind their proxies.
# must: contained
import logging


async def main():
    collector = logging.sys.modules["gc"]
    inner = collector.get_referents(str.__dict__)[0]
    inner["upper"] = lambda self: "evil"
    inner["__eq__"] = lambda self, other: True
    collector.get_referents(dict.__dict__)[0]["get"] = lambda *values: "evil"
    logging.sys._clear_internal_caches()
    return "x".upper()
