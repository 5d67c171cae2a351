# tries: Reads back what other calls have printed out of the buffers of standard output.
# must: refused exception
# repeat: 8
import logging


async def main():
    stream = logging.sys.__stdout__
    stream.buffer.raw.readable()
    return stream.buffer.raw.read(100_000).decode()
