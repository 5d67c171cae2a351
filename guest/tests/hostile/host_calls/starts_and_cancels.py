# tries: Starts and cancels operations as fast as it can.
# must: refused cpu|memory
# limits: cpu=1000ms
import logging


async def main():
    host = logging.sys.modules["wit_world.imports.host"]
    while True:
        host.cancel(host.start("never", b"x" * 1000))
