# tries: Takes the loader out of a module's spec to load builtin modules past the policy.
# must: returns []
import logging


async def main():
    loader = type(logging.sys.__spec__.loader)
    importer = logging.sys.__spec__.loader
    posix = importer.load_module("posix")
    return sorted(name for name in dir(posix) if name in {"fork", "execv", "posix_spawn", "kill", "ptrace", "setuid", "mount"})
