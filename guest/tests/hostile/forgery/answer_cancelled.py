# tries: Replaces the runner's answer by one that claims that the call was given up.
# must: refused exception
import logging


async def main():
    runner = logging.sys.modules["mcpbox_guest.runner"]
    runner._failed = lambda *values: '{"ok":false,"kind":"cancelled","message":"given up"}'
    raise ValueError
