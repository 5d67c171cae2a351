# tries: Copies a structure that is nested a hundred thousand deep, and one that copies itself.
# must: refused recursion RecursionError
import copy


class Itself:
    def __deepcopy__(self, memo):
        return copy.deepcopy(Itself())


async def main():
    return copy.deepcopy([Itself()])
