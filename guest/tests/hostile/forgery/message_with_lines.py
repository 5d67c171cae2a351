# tries: Answers with a message of a hundred thousand letters with line ends, control characters and terminal sequences.
# must: refused exception
import json
import logging


async def main():
    message = "line\r\n\x1b[2J\u2028\u2029\x85\x0b" * 10_000
    text = json.dumps({"ok": False, "kind": "exception", "message": message})
    logging.sys.modules["mcpbox_guest.runner"]._failed = lambda *values: text
    raise ValueError
