# tries: Reads the environment, the arguments and the working folder of the process.
# must: returns [{}, [], "/"]
import logging


async def main():
    system = logging.os
    return [dict(system.environ) | dict(system.sys.modules["posix"].environ), logging.sys.argv, system.getcwd()]
