# tries: Closes, detaches and deletes all streams before it returns.
# must: returns "quietly"
import logging


async def main():
    system = logging.sys
    system.stdout.close()
    system.stderr.detach()
    del system.stdout, system.stderr
    system.__stdout__ = None
    return "quietly"
