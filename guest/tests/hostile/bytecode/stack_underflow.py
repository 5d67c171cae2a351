# tries: Runs bytecode that takes more from the value stack than was ever put there.
# must: contained
import types


def plain():
    return 1


async def main():
    import logging

    opcode = logging.sys.modules["opcode"]
    pop = opcode.opmap["POP_TOP"]
    code = bytes([opcode.opmap["RESUME"], 0]) + bytes([pop, 0]) * 500
    made = types.FunctionType(plain.__code__.replace(co_code=code), {})
    made()
