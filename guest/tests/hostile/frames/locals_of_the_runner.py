# tries: Writes into the local variables of the runner's frames, to change what it answers.
# must: contained
import logging


async def main():
    frame = logging.sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename != "tool.py":
            for name in list(frame.f_locals):
                try:
                    frame.f_locals[name] = '{"ok": false, "kind": "worker_lost", "message": "x"}'
                except Exception:
                    continue
        frame = frame.f_back
    return "reached the end"
