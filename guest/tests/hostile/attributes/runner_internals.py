# tries: Reaches the runner's own package and replaces the policy on imports for all later calls.
# must: returns "replaced"
import logging


async def main():
    imports = logging.sys.modules["mcpbox_guest.imports"]
    imports.ALLOWED = frozenset(logging.sys.stdlib_module_names)
    imports.FORBIDDEN = frozenset()
    imports.check = lambda name: None
    imports.BUILTINS["abs"] = lambda number: 666
    import os

    assert os.environ == {}
    return "replaced"
