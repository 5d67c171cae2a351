# tries: Packs and unpacks with formats whose sizes overflow.
# must: contained
# limits: cpu=3000ms
import array
import struct


async def main():
    said = []
    for attempt in (
        lambda: struct.pack("2147483647s2147483647s", b"", b""),
        lambda: struct.calcsize("999999999999999999q"),
        lambda: struct.unpack_from("<I", b"abcd", -2_000_000_000),
        lambda: struct.pack_into("<I", bytearray(4), 2**31 - 1, 1),
        lambda: array.array("q", [0]) * 2**29,
        lambda: memoryview(b"x" * 12).cast("B", [2**16, 2**16]),
    ):
        try:
            said.append(len(attempt()))
        except BaseException as error:
            said.append(type(error).__name__)
    return said
