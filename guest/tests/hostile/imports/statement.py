# tries: Imports os by a plain statement.
# must: refused exception module 'os' can never be imported
# inspected: returns true
import os


async def main():
    return os.listdir("/")
