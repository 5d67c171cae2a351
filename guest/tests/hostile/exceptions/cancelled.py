# tries: Raises CancelledError, as if the server had given the call up.
# must: refused exception Cancelled
import asyncio


async def main():
    raise asyncio.CancelledError("by the server")
