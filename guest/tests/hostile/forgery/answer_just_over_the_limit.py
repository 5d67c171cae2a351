# tries: Answers past the runner with a result that is a little longer than the limit.
# must: refused result_too_large
# limits: result=10KB
import logging


async def main():
    text = '{"ok":true,"result":"' + "x" * 10_300 + '"}'
    logging.sys.modules["mcpbox_guest.runner"]._failed = lambda *values: text
    raise ValueError
