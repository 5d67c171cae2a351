# tries: Answers imports with a finder that imports again, without end.
# must: refused recursion RecursionError
import logging


class Finder:
    def find_spec(self, name, path=None, target=None):
        return logging.sys.modules["builtins"].__import__(name + "x")


async def main():
    logging.sys.meta_path.insert(0, Finder())
    logging.sys.modules["builtins"].__import__("anything")
