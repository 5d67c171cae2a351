# tries: Reads the names of loggers and handlers that other calls made.
# must: returns []
# repeat: 16
import logging


async def main():
    start = "".join(reversed("YRANAC"))
    return [name for name in logging.root.manager.loggerDict if name.startswith(start)]
