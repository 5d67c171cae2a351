# tries: Replaces the encoder of standard output by one that writes other bytes.
# must: contained
import codecs
import logging


async def main():
    system = logging.sys
    system.stdout.reconfigure(encoding="utf-16", errors="ignore", newline="\r\n")
    print("neighbour" * 10)
    codecs.lookup("utf-8").encode.__self__
    return 1
