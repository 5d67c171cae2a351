# tries: Writes bytes of the worker's own protocol to the descriptors one and two.
# must: returns "written"
import logging


async def main():
    frame = b"\x03\x00\x00\x00\x04\x01\x00" * 1000 + b"\xff\xff\xff\xff"
    for descriptor in (1, 2):
        logging.os.write(descriptor, frame)
    return "written"
