# tries: Leaves a mark in every module, class and function of the interpreter and looks for its own from before.
# must: returns [0, true]
# repeat: 16
import logging


async def main():
    modules = list(logging.sys.modules.values())
    objects = modules + [value for module in modules for value in vars(module).values()]
    before = sum("mark_of_a_call" in getattr(value, "__dict__", ()) for value in objects)
    left = 0
    for value in objects:
        try:
            value.mark_of_a_call = True
            left += 1
        except (TypeError, AttributeError):
            continue
    return [before, left > 1000]
