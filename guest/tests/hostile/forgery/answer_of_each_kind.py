# tries: Replaces the runner's answer by one that claims that the worker was lost.
# must: refused exception
import logging


async def main():
    runner = logging.sys.modules["mcpbox_guest.runner"]
    answer = '{"ok":false,"kind":"worker_lost","message":"the worker is gone"}'
    runner._run = lambda *values: answer
    runner._sound = lambda value: answer
    runner.with_blocks = lambda *values, **named: 1 / 0
