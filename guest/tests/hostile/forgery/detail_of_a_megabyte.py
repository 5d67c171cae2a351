# tries: Answers with a detail that is far larger than any that the runner makes.
# must: refused exception
import json
import logging


async def main():
    text = json.dumps({"ok": False, "kind": "exception", "message": "x", "detail": {"a": "x" * 200_000}})
    logging.sys.modules["mcpbox_guest.runner"]._failed = lambda *values: text
    raise ValueError
