# tries: Starts operations with a megabyte each, without waiting for any.
# must: contained
# limits: cpu=3000ms wall=5000ms
import logging


async def main():
    host = logging.sys.modules["wit_world.imports.host"]
    for _ in range(400):
        host.start("echo", b"x" * 1_000_000)
    return "started"
