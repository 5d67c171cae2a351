# tries: Ends the process by os._exit, past all that Python would clean up.
# must: refused exit
import logging


async def main():
    logging.os._exit(0)
