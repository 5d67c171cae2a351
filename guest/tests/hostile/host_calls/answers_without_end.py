# tries: Asks for answers of sixteen megabytes each and leaves them all uncollected.
# must: contained
# limits: cpu=5000ms wall=10000ms
import logging
import time


async def main():
    host = logging.sys.modules["wit_world.imports.host"]
    for _ in range(60):
        host.start("megabytes", b"x" * 8)
    time.sleep(2)
    return len(host.wait(None))
