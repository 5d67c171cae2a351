# tries: Adds an audit hook, which cannot be removed, that raises at everything.
# must: contained
import logging


async def main():
    def hook(event, values):
        raise RuntimeError(event)

    logging.sys.addaudithook(hook)
    return 1
