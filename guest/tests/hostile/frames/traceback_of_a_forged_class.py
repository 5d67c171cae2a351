# tries: Puts together a traceback that refers to itself, so that whoever walks it never ends.
# must: refused exception
import types


async def main():
    try:
        raise ValueError("looping")
    except ValueError as error:
        last = error.__traceback__
        first = types.TracebackType(last, last.tb_frame, last.tb_lasti, last.tb_lineno)
        try:
            last.tb_next = first
        except ValueError:
            last.tb_next = None
        raise error.with_traceback(first) from None
