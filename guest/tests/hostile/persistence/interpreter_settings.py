# tries: Changes every setting of the interpreter that outlives a function.
# must: returns "changed"
import decimal
import logging


async def main():
    system = logging.sys
    system.setrecursionlimit(77)
    system.set_int_max_str_digits(0)
    system.setswitchinterval(0.000001)
    system.dont_write_bytecode = True
    system.path[:] = ["/evil"]
    system.modules["gc"].set_threshold(1)
    decimal.getcontext().prec = 1
    logging.disable(100)
    system.modules["builtins"].print = None
    system.modules["time"].time = lambda: 0
    return "changed"
