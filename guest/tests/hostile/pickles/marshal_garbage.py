# tries: Loads damaged bytecode by marshal two thousand times.
# must: contained
# limits: cpu=4000ms
# repeat: 4
import logging
import random


async def main():
    marshal = logging.sys.modules["marshal"]
    sound = marshal.dumps(compile("def f(a):\n    return [a, 'x', 1.5, (2, 3)]\n", "x", "exec"))
    for _ in range(2000):
        damaged = bytearray(sound)
        for _ in range(3):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        try:
            exec(marshal.loads(bytes(damaged)), {})
        except Exception:
            continue
