# tries: Puts its own finder at the head of sys.meta_path, which answers every import with itself.
# must: returns "mine"
import logging


class Finder:
    def find_spec(self, name, path=None, target=None):
        spec = type(logging.__spec__)(name, self)
        return spec

    def create_module(self, spec):
        module = type(logging)(spec.name)
        module.mine = "mine"
        return module

    def exec_module(self, module):
        pass


async def main():
    system = logging.sys
    system.meta_path.insert(0, Finder())
    del system.modules["json"]
    return system.modules["builtins"].__import__("json").mine
