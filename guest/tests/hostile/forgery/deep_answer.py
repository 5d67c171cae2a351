# tries: Answers past the runner with JSON nested so deeply that the server's parser would overflow its stack.
# must: refused trap|exception
import logging


async def main():
    text = '{"ok":false,"kind":"exception","message":"x","detail":' + "[" * 200_000 + "]" * 200_000 + "}"
    logging.sys.modules["mcpbox_guest.runner"]._failed = lambda *values: text
    raise ValueError
