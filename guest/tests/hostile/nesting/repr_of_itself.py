# tries: Has a __repr__ that asks for its own, through containers.
# must: refused exception|recursion
class Endless:
    def __repr__(self):
        return repr([{"x": (self,)}])


async def main():
    return repr(Endless())
