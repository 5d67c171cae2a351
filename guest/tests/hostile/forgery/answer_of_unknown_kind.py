# tries: Answers with kinds that do not exist and with values of wrong types.
# must: refused exception|trap
import logging


async def main():
    runner = logging.sys.modules["mcpbox_guest.runner"]
    runner._failed = lambda *values: '{"ok":false,"kind":{"a":1},"message":["x"],"detail":7}'
    raise ValueError
