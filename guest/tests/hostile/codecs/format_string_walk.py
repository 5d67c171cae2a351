# tries: Walks by the field names of a format string from a function to the builtins and to loaded modules.
# must: returns [true, true]
import logging


async def main():
    template = "{0." + "__glob" + "als__[sys]." + "modules[os].environ}"
    text = template.format(logging.getLogger)
    names = "{0.__init__.__globals__[os].environ}".format(logging.Logger)
    return [text == "environ({})", "CANARY" not in names]
