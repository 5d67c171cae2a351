# tries: Gives a function cells that its code does not expect, and code that expects cells it does not have.
# must: contained
import types


def outer():
    x = 1

    def inner():
        return x

    return inner


def plain():
    return 1


async def main():
    said = []
    for code, cells in [(outer().__code__, ()), (plain.__code__, (types.CellType(1),))]:
        try:
            types.FunctionType(code, {}, closure=cells)
        except (TypeError, ValueError) as error:
            said.append(type(error).__name__)
    function = outer()
    try:
        function.__code__ = plain.__code__
    except ValueError as error:
        said.append(type(error).__name__)
    types.FunctionType(outer().__code__.replace(co_freevars=("x", "y")), {}, closure=(types.CellType(1), types.CellType(2)))()
    return said
