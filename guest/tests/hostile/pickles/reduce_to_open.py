# tries: Unpickles text that opens a file of the host.
# must: refused exception FileNotFoundError
import logging


async def main():
    pickle = logging.sys.modules["pickle"]
    return pickle.loads(b"cio\nopen\n(S'/etc/passwd'\ntR.").read()
