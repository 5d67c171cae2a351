# tries: Finds out who and where it is: user, machine, kernel, processors, uptime.
# must: returns []
import logging


async def main():
    told, system = [], logging.os
    for attempt in (
        lambda: system.getuid(),
        lambda: system.getlogin(),
        lambda: system.getppid(),
        lambda: system.getloadavg(),
        lambda: system.uname().nodename.replace("(none)", "") or 1 / 0,
        lambda: system.uname().release.replace("0.0.0", "") or 1 / 0,
        lambda: system.path.expanduser("~").replace("~", "") or 1 / 0,
        lambda: logging.sys.modules["builtins"].__import__("pwd").getpwuid(0),
    ):
        try:
            told.append(repr(attempt()))
        except (OSError, AttributeError, ImportError, ZeroDivisionError, ValueError):
            continue
    return told
