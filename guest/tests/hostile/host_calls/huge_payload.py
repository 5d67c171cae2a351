# tries: Hands over a payload of a hundred and twenty megabytes at once.
# must: refused exception|trap|memory
from mcpbox_host import call


async def main():
    return len(await call("echo", b"x" * 120_000_000))
