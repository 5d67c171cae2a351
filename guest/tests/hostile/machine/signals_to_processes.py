# tries: Sends signals to the process that started the worker, to its group, and to itself.
# must: returns []
# arguments: {"process": "$PROCESS"}
import logging


async def main(process: int):
    sent, system = [], logging.os
    for attempt in (
        lambda: system.kill(process, 9),
        lambda: system.killpg(process, 9),
        lambda: system.kill(-1, 9),
        lambda: system.kill(1, 0),
        lambda: system.setpriority(0, process, 19),
        lambda: logging.sys.modules["signal"].pthread_kill(1, 9),
        lambda: logging.sys.modules["_signal"].alarm(1),
    ):
        try:
            attempt()
            sent.append("sent")
        except (OSError, AttributeError):
            continue
    return sent
