# tries: Runs library modules as programs, the pip and the debugger among them.
# must: refused exception
import logging


async def main():
    load = logging.sys.modules["builtins"].__import__
    logging.sys.argv = ["pip", "install", "anything"]
    return load("runpy").run_module("ensurepip", run_name="__main__")
