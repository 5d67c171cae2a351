# tries: Unpickles a short text whose memo doubles until memory is full.
# must: refused memory|cpu
# limits: cpu=10000ms
import logging


async def main():
    pickle = logging.sys.modules["pickle"]
    text = b"(lp0\n" + b"".join(b"(g%d\ng%d\ng%d\ng%d\nlp%d\n" % (n, n, n, n, n + 1) for n in range(60)) + b"."
    value = pickle.loads(text)
    return str(value)
