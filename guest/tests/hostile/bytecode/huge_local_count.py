# tries: Runs a code object that claims to have two thousand million local variables.
# must: refused exception|memory|trap
import types


def plain():
    return 1


async def main():
    code = plain.__code__.replace(co_nlocals=2_000_000_000, co_stacksize=2_000_000_000)
    return types.FunctionType(code, {})()
