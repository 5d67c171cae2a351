# tries: Looks at the marks that the other calls left on modules and in sys.modules.
# must: returns [false, false, false, 0]
# repeat: 16
import json
import logging
import string


async def main():
    left = "left_behind" in logging.sys.modules
    return [hasattr(json, "mark"), hasattr(string, "mark"), left, len(logging.os.environ)]
