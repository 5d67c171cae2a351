# tries: Imports a forbidden module in text that it evaluates and executes.
# must: returns ["ModuleNotAllowedError", "ModuleNotAllowedError", "ModuleNotAllowedError"]
async def main():
    said = []
    for attempt in (
        lambda: eval("__import__('sys')"),
        lambda: exec("import sys"),
        lambda: exec(compile("from sys import modules", "x", "exec"), {}),
    ):
        try:
            attempt()
        except ImportError as error:
            said.append(type(error).__name__)
    return said
