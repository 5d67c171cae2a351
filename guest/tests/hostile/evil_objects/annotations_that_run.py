# tries: Has annotations and defaults whose evaluation exits, raises and prints.
# must: contained
# inspected: contained
class Evil:
    def __class_getitem__(cls, item):
        raise SystemExit(item)

    def __repr__(self):
        raise KeyboardInterrupt


async def main(a: Evil[3] = Evil(), *, b: print("annotation") = Evil()) -> Evil[4]:
    return 1
