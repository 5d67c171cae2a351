# tries: Answers with every key twice, once sound and once forged.
# must: refused trap|exception
import logging


async def main():
    text = '{"ok":false,"ok":true,"result":1,"result":2,"kind":"busy","kind":"worker_lost"}'
    logging.sys.modules["mcpbox_guest.runner"]._failed = lambda *values: text
    raise ValueError
