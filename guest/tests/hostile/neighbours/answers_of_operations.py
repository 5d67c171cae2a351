# tries: Waits for operations that it never began, to be handed the answers of others.
# must: returns [0, 0]
# repeat: 16
import logging


async def main():
    host = logging.sys.modules["wit_world.imports.host"]
    first = host.wait(30_000_000)
    return [len(first), len(host.wait(None))]
