# tries: Takes the real __import__ out of the builtins of a library function and lists the root folder.
# must: refused exception No such file
import textwrap


async def main():
    load = textwrap.dedent.__globals__["__builtins__"]["__import__"]
    return load("os").listdir("/")
