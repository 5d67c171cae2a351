# tries: Makes garbage in cycles after it has switched the collector off.
# must: refused memory
# limits: memory=64MB cpu=20000ms
import logging


async def main():
    logging.sys.modules["gc"].disable()
    while True:
        cycle = [bytes(10_000)]
        cycle.append(cycle)
