# tries: Puts an object in the place of standard output that raises and never ends when it is flushed.
# must: contained
# limits: cpu=1000ms
import logging


class Evil:
    def write(self, text):
        raise SystemExit(1)

    def flush(self):
        while True:
            pass


async def main():
    logging.sys.stdout = logging.sys.__stdout__ = Evil()
    return 1
