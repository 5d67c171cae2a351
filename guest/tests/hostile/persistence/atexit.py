# tries: Registers functions for the end of the interpreter that never return.
# must: returns "registered"
import logging


async def main():
    def endless():
        while True:
            pass

    logging.sys.modules["atexit"].register(endless)
    logging.sys.modules["threading"]._register_atexit(endless)
    return "registered"
