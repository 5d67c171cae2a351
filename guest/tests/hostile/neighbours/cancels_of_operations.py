# tries: Cancels every number of an operation that a call beside it could have.
# must: returns "done"
# repeat: 8
import logging


async def main():
    host = logging.sys.modules["wit_world.imports.host"]
    for number in [*range(2000), 2**31, 2**32 - 1]:
        host.cancel(number)
    return "done"
