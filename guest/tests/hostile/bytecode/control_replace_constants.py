# tries: Makes a new function from a code object with another name, as decorators do.
# must: returns [3, "renamed"]
import types


def add(a, b):
    return a + b


async def main():
    code = add.__code__.replace(co_name="renamed")
    made = types.FunctionType(code, globals())
    return [made(1, 2), made.__code__.co_name]
