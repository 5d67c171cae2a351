# tries: Runs regular expression programs of the engine's own code that it made up.
# must: contained
# limits: cpu=2000ms
# repeat: 8
import logging
import random


async def main():
    sre = logging.sys.modules["_sre"]
    for _ in range(300):
        program = [random.choice([*range(45), random.randrange(2**32)]) for _ in range(30)]
        try:
            sre.compile("x", 0, program, 1, {}, (None, "a")).search("a" * 100)
        except Exception:
            continue
