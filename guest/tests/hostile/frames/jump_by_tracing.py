# tries: Sets a trace function on the runner's frames that jumps over the check of the result.
# must: contained
import logging


async def main() -> dict[str, int]:
    system = logging.sys

    def trace(frame, event, argument):
        if event == "line" and frame.f_code.co_name == "_run":
            try:
                frame.f_lineno = frame.f_lineno + 8
            except ValueError:
                pass
        return trace

    frame = system._getframe()
    while frame is not None:
        frame.f_trace = trace
        frame = frame.f_back
    system.settrace(trace)
    return {"a": "not a number"}
