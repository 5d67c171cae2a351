# tries: Asks for operations named with line ends, null bytes, and words of the protocol.
# must: returns 6
from mcpbox_host import OperationError, call


async def main():
    refused = 0
    for name in ("", "a\nb", "\0", "echo\0", "../echo", "Done"):
        try:
            await call(name, b"")
        except OperationError:
            refused += 1
    return refused
