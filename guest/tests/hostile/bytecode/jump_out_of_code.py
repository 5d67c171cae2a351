# tries: Jumps behind the end of its bytecode and far before its beginning.
# must: contained
# repeat: 4
# limits: cpu=2000ms
import logging
import random
import types


def plain():
    return 1


async def main():
    names = logging.sys.modules["opcode"].opmap
    jump = names[random.choice(["JUMP_FORWARD", "JUMP_BACKWARD"])]
    wide = names["EXTENDED_ARG"]
    code = bytes([names["RESUME"], 0, wide, 0x7F, wide, 0xFF, wide, 0xFF, jump, 0xFF]) * 4
    return repr(types.FunctionType(plain.__code__.replace(co_code=code), {})())
