# tries: Calls a method that is bound, wrapped and partially applied two hundred thousand times over.
# must: refused exception|recursion|memory
# limits: cpu=20000ms
import types


async def main():
    called = len
    for _ in range(200_000):
        called = types.MethodType(called, "x")
    return called()
