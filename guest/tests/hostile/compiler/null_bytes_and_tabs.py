# tries: Compiles text with null bytes, tabs, form feeds, and line ends of all kinds.
# must: contained
async def main():
    said = []
    for text in ("x\0 = 1", "\f\tx = 1", "if x:\r        y\r\tz", "\ufeffx = 1", "x = 1\\", "'''", "\x1a", "#" * 100_000, "\\\n" * 10_000):
        try:
            exec(text, {})
            said.append("ran")
        except BaseException as error:
            said.append(type(error).__name__)
    return said
