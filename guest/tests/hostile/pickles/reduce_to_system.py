# tries: Unpickles, by a pickle module reached through the library, text that calls os.system.
# must: returns true
import logging


async def main():
    pickle = logging.sys.modules["pickle"]
    try:
        status = pickle.loads(b"cposix\nsystem\n(S'id > /tmp/x'\ntR.")
    except Exception:
        return True
    return status not in (0, None)
