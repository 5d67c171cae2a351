# tries: Raises an exception whose class has no name, no module and no ancestors that could be shown.
# must: refused exception
class Meta(type):
    @property
    def __name__(cls):
        raise RuntimeError("no name")

    __qualname__ = __module__ = __mro__ = __name__


class Evil(Exception, metaclass=Meta):
    pass


async def main():
    raise Evil("x")
