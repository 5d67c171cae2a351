# tries: Runs a function that claims to need no stack and uses a deep one.
# must: contained
import types


async def main():
    text = "[" * 90 + "".join(f"{number}," for number in range(3)) + "]" * 90
    code = compile(f"def deep():\n    return (1, (2, (3, (4, (5, f(6, 7, 8, 9))))), {text})", "x", "exec")
    space = {"f": lambda *values: values}
    exec(code, space)
    made = types.FunctionType(space["deep"].__code__.replace(co_stacksize=0), space)
    return len(repr(made()))
