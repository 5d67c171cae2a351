# tries: Works with files, paths and clocks in memory, as tools may.
# must: returns ["text", "a.txt", true]
import io
import logging
import time
import zipfile


async def main():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("a.txt", "text")
    with zipfile.ZipFile(held) as archive:
        return [archive.read("a.txt").decode(), archive.namelist()[0], time.time() > 1.7e9 and logging is not None]
