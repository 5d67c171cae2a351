# tries: Reads its own module and the runner's for arguments and secrets that it was not given.
# must: returns [{"own": 1}, {}, []]
# arguments: {"own": 1}
# repeat: 16
import logging


async def main(own: int):
    strange = [name for name in logging.sys.modules["tool"].__dict__ if name.startswith("wait")]
    return [arguments, dict(secrets), strange]
