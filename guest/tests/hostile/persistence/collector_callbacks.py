# tries: Hooks the garbage collector with a callback that never ends.
# must: refused cpu
# limits: cpu=500ms
import logging


async def main():
    collector = logging.sys.modules["gc"]

    def endless(phase, info):
        while True:
            pass

    collector.callbacks.append(endless)
    collector.collect()
