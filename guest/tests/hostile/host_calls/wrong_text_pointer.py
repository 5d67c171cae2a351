# tries: Passes a text to the host that is half of a surrogate pair.
# must: contained
from mcpbox_host import call


async def main():
    return (await call("echo\udc80", b"x")).decode()
