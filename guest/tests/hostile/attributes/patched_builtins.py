# tries: Replaces functions of the true builtins, so that a later call would count wrongly.
# must: contained
import logging


async def main():
    true_builtins = logging.sys.modules["builtins"]
    true_builtins.len = lambda value: 99
    true_builtins.sum = lambda values, start=0: -1
    true_builtins.sorted = lambda values, **named: []
    return true_builtins.len("four")
