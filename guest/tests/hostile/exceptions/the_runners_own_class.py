# tries: Raises the runner's own exception class with an answer of a kind that only the server gives.
# must: refused exception
import logging


async def main():
    kind = logging.sys.modules["mcpbox_guest.runner"].CallError
    raise kind("worker_lost", "the worker process that ran this call ended", None)
