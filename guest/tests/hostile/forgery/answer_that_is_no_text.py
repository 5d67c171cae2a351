# tries: Answers with objects that are no text, so that the bindings to the host fail.
# must: refused trap|exception
import logging


async def main():
    logging.sys.modules["mcpbox_guest.runner"]._failed = lambda *values: [1, 2, 3]
    raise ValueError
