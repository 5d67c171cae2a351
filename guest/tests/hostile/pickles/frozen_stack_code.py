# tries: Builds a code object out of parts by copyreg and runs it with a stack that is too small.
# must: contained
import copy
import types


async def main():
    code = (lambda: [1, 2, 3, 4, 5, 6, 7, 8]).__code__
    made = copy.copy(code).replace(co_stacksize=0, co_nlocals=0, co_varnames=())
    return types.FunctionType(made, {})()
