# tries: Formats with a mapping whose answers are functions and modules.
# must: contained
import logging


class Everything(dict):
    def __missing__(self, key):
        return logging.sys.modules.get(key, logging)


async def main():
    return "{os.environ} {sys.argv} {mcpbox_guest.__dict__}".format_map(Everything())
