# tries: Imports code out of an archive that it writes to a file.
# must: refused exception
import io
import logging
import zipfile


async def main():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("hidden.py", "import os")
    with logging.sys.modules["builtins"].open("/tmp/hidden.zip", "wb") as file:
        file.write(held.getvalue())
    return logging.sys.modules["zipimport"].zipimporter("/tmp/hidden.zip").load_module("hidden")
