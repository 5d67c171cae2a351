# tries: Runs bytecode that loads a constant far behind the end of its table.
# must: contained
import types


def plain():
    return 1


async def main():
    code = bytes([144, 0xFF, 144, 0xFF, 144, 0xFF, 83, 0xFF]) + plain.__code__.co_code
    made = types.FunctionType(plain.__code__.replace(co_code=code, co_stacksize=10), {})
    return repr(made())
