# tries: Reads attributes by name, walks classes and evaluates text, as any tool may.
# must: returns [true, 42, "A", ["B", "A", "object"]]
# inspected: returns true


class A:
    def __init__(self):
        self.x = 1


class B(A):
    pass


async def main():
    made = type("A", (), {})
    names = [found.__name__ for found in B.__mro__]
    return [B in A.__subclasses__(), eval("6 * 7"), made.__name__, names]
