# tries: Asks for an operation whose name is fifty megabytes long.
# must: refused exception|trap
from mcpbox_host import call


async def main():
    return await call("x" * 50_000_000, b"")
