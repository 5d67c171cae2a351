# tries: Aborts the process by os.abort.
# must: refused trap|exit
import logging


async def main():
    logging.os.abort()
