# tries: Searches with regular expressions that are sound.
# must: returns ["2026-01-31", 3, "a-b"]
import re


async def main():
    found = re.search(r"(\d{4})-(\d\d)-(\d\d)", "on 2026-01-31 at noon")
    return [found[0], len(found.groups()), re.sub(r"\s+", "-", "a  b")]
