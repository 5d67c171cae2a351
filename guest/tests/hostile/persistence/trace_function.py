# tries: Sets trace and profile functions that turn every line into a loop.
# must: refused cpu
# limits: cpu=500ms
import logging


async def main():
    def trace(*values):
        while True:
            pass

    logging.sys.setprofile(trace)
    logging.sys.settrace(trace)
    return "never reached"
