# tries: Lifts the limit on results inside of the interpreter.
# must: refused result_too_large
# limits: result=10KB
import logging


async def main():
    frame = logging.sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "_run":
            frame.f_locals["limit"] = 10**9
        frame = frame.f_back
    return "x" * 100_000
