# tries: Opens a file that exists on the host, by its true path and by others that lead there.
# must: returns 0
# arguments: {"path": "$FILE"}
import logging


async def main(path: str):
    reached, opener = 0, logging.sys.modules["builtins"].open
    for name in (path, "//" + path, "/proc/self/root" + path, "../../../.." + path, path.encode(), "." + path, "file://" + path):
        try:
            opener(name).read()
            reached += 1
        except OSError:
            continue
    return reached
