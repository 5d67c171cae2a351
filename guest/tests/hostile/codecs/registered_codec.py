# tries: Registers a codec and an error handler for all later calls, and breaks UTF-8 for whoever looks it up.
# must: contained
import codecs


def broken(*values):
    raise RuntimeError("the codec is broken")


async def main():
    codecs.register(lambda name: codecs.CodecInfo(broken, broken, name=name))
    codecs.register_error("replace", broken)
    codecs.register_error("backslashreplace", broken)
    codecs.register_error("strict", broken)
    print("\ud800 printed with an error handler that is broken")
    return "\ud800"
