# tries: Answers with text that is no JSON.
# must: refused trap not readable
import logging


async def main():
    logging.sys.modules["mcpbox_guest.runner"]._failed = lambda *values: '{"ok":tru'
    raise ValueError
