# tries: Calls the exports of the guest from within, so that the instance enters itself again.
# must: contained
import logging


async def main():
    runner = logging.sys.modules["mcpbox_guest.runner"]
    return runner.WitWorld().run(b"", "", "{}", "{}", 10)
