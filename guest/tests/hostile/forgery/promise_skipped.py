# tries: Breaks its return annotation after it has switched the check of results off.
# must: contained
import logging


async def main() -> dict[str, int]:
    logging.sys.modules["mcpbox_guest.runner"]._check = lambda *values: None
    return {"a": "not a number"}
