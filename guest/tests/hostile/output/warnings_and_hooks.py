# tries: Hooks the display of warnings and exceptions to print without end.
# must: contained
# limits: cpu=1000ms
import logging
import warnings


async def main():
    def endless(*values, **named):
        warnings.warn("again")

    warnings.showwarning = endless
    logging.sys.unraisablehook = endless
    logging.sys.excepthook = endless
    warnings.simplefilter("always")
    warnings.warn("first")
    return 1
