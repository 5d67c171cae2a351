# tries: Imports modules that would reach native code: ctypes, mmap, cffi and the like.
# must: returns []
async def main():
    import logging

    reached = []
    load = logging.sys.modules["importlib"].import_module
    for name in ("ctypes", "_ctypes", "cffi", "_cffi_backend", "mmap", "fcntl", "resource", "_posixsubprocess", "_testcapi", "_interpreters", "_testinternalcapi", "faulthandler_", "grp", "pwd", "termios", "syslog"):
        try:
            real = logging.sys.modules["builtins"].__import__(name)
            reached.append(real.__name__)
        except ImportError:
            continue
    return reached
