# tries: Answers past the runner with forty megabytes.
# must: refused result_too_large
import logging


async def main():
    text = '{"ok":true,"result":"' + "x" * 40_000_000 + '"}'
    logging.sys.modules["mcpbox_guest.runner"]._failed = lambda *values: text
    raise ValueError
