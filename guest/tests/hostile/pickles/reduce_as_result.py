# tries: Returns an object whose __reduce__, __copy__ and __getstate__ would run code on whoever copies it.
# must: refused not_serializable
class Trap:
    def __reduce__(self):
        return (eval, ("1 / 0",))

    def __deepcopy__(self, memo):
        raise SystemExit(3)

    __copy__ = __getstate__ = __reduce__


async def main():
    return {"here": Trap()}
