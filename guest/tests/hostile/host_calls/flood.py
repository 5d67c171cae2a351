# tries: Starts a hundred thousand operations that never end.
# must: contained
# limits: cpu=3000ms wall=5000ms
import logging


async def main():
    host = logging.sys.modules["wit_world.imports.host"]
    for _ in range(100_000):
        host.start("never", b"")
    return "started"
