# tries: Runs five hundred functions whose bytecode is random.
# must: contained
# repeat: 16
# limits: cpu=2000ms
import random
import types


def plain(a=1, b=2):
    c = a + b
    return [c, a, b]


async def main():
    for _ in range(500):
        code = bytes(random.randrange(256) for _ in range(60))
        made = types.FunctionType(plain.__code__.replace(co_code=code), {})
        try:
            made()
        except Exception:
            pass
