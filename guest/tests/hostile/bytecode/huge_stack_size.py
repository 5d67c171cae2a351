# tries: Runs a code object that claims a value stack larger than memory.
# must: refused cpu|memory|exception
# limits: cpu=1000ms
import types


def plain():
    return 1


async def main():
    code = plain.__code__.replace(co_stacksize=500_000_000)
    return types.FunctionType(code, {})()
