# tries: Starts processes in every way that the library knows.
# must: returns []
import logging


async def main():
    started, system = [], logging.os
    spawn = logging.sys.modules["subprocess"]
    for attempt in (
        lambda: spawn.run(["id"]),
        lambda: spawn.check_output("id", shell=True),
        lambda: system.system("id"),
        lambda: system.popen("id").read(),
        lambda: system.fork(),
        lambda: system.execv("/bin/sh", ["sh"]),
        lambda: system.posix_spawn("/bin/sh", ["sh"], {}),
        lambda: spawn._fork_exec(*[None] * 23),
    ):
        try:
            started.append(repr(attempt()))
        except (OSError, AttributeError, TypeError, NotImplementedError):
            continue
    return started
