# tries: Calls the host with values of types that the interface does not know.
# must: contained
import logging


async def main():
    host = logging.sys.modules["wit_world.imports.host"]
    said = []
    for attempt in (
        lambda: host.start(None, None),
        lambda: host.start("echo", ["x", -1, 3000]),
        lambda: host.cancel(-1),
        lambda: host.cancel(2**70),
        lambda: host.cancel("x"),
        lambda: host.wait(-1),
        lambda: host.wait(1.5),
        lambda: host.start("\ud800", b""),
    ):
        try:
            said.append(repr(attempt())[:40])
        except Exception as error:
            said.append(type(error).__name__)
    return said
