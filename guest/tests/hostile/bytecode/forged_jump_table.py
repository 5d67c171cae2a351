# tries: Forges a type object whose slots are numbers, so that the interpreter calls functions that do not exist.
# must: contained
# repeat: 8
import logging
import struct
import types

names = logging.sys.modules["opcode"].opmap


def plain():
    return 1


def object_at(address):
    consts = (1, 2)
    pointer = struct.pack("<I", address)
    index = (id(pointer) - id(consts)) // 4 & 0x3FFFFFFF
    code = bytes([names["RESUME"], 0])
    for shift in (24, 16, 8):
        code += bytes([names["EXTENDED_ARG"], index >> shift & 255])
    code += bytes([names["LOAD_CONST"], index & 255, names["RETURN_VALUE"], 0])
    made = plain.__code__.replace(co_code=code, co_consts=consts)
    return types.FunctionType(made, {})()


async def main():
    kind = struct.pack("<4I", 1 << 20, id(type), 0, 0) + struct.pack("<60I", *range(77, 137))
    forged = struct.pack("<4I", 1 << 20, id(kind) + 16, 0, 0)
    victim = object_at(id(forged) + 16)
    return [repr(victim), str(victim), hash(victim), len(victim)]
