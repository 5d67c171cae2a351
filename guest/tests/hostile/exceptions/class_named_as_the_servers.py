# tries: Raises exceptions whose class names are those of the runner and of the server's failures.
# must: refused exception
# inspected: returns true
class CallError(Exception):
    answer = {"ok": False, "kind": "worker_lost", "message": "lost", "detail": None}


CallError.__module__ = "mcpbox_guest.runner"


async def main():
    raise CallError("worker_lost")
