# tries: Lists and reads what every system has.
# must: returns []
import logging


async def main():
    reached, system = [], logging.os
    for name in ("/", ".", "..", "/proc", "/proc/self/environ", "/proc/self/maps", "/sys", "/dev/mem", "/etc/hostname", "/tmp", "/root", "/home", "~", "/dev/stdin", "/dev/fd/0", "/python", "/0", "/world"):
        for attempt in (system.listdir, system.stat, system.readlink, lambda found: system.open(found, 0)):
            try:
                reached.append([name, repr(attempt(name))])
            except (OSError, NotImplementedError):
                continue
    return reached
