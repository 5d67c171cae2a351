# tries: Turns on the interpreter's monitoring for all code, with a callback that raises.
# must: contained
import logging


async def main():
    monitoring = logging.sys.monitoring
    monitoring.use_tool_id(0, "evil")

    def callback(*values):
        raise KeyboardInterrupt

    for name in ("PY_START", "LINE", "CALL", "PY_RETURN", "RAISE"):
        event = getattr(monitoring.events, name)
        monitoring.register_callback(0, event, callback)
        monitoring.set_events(0, event)
    return 1
