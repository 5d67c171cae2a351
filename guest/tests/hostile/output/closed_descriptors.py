# tries: Closes the descriptors of standard output and error and prints.
# must: contained
import logging


async def main():
    logging.os.close(1)
    logging.os.close(2)
    print("into nothing")
    return 1
