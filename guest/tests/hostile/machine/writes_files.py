# tries: Makes files, folders, links and temporary files.
# must: returns []
import logging


async def main():
    reached, system = [], logging.os
    for attempt in (
        lambda: open("x", "w"),
        lambda: open("/tmp/x", "ab"),
        lambda: system.mkdir("/x"),
        lambda: system.symlink("/etc", "/tmp/y"),
        lambda: system.rename("/etc/passwd", "/etc/p"),
        lambda: system.unlink("/etc/passwd"),
        lambda: system.chdir("/etc"),
        lambda: logging.FileHandler("/tmp/log").emit(None),
        lambda: logging.sys.modules["builtins"].__import__("tempfile").mkstemp(),
    ):
        try:
            reached.append(repr(attempt()))
        except (OSError, NotImplementedError, AttributeError):
            continue
    return reached
