"""An ordinary tool that a hostile one runs beside: it leaves its secret wherever Python keeps things."""

import asyncio
import functools
import hashlib
import json
import logging
import random
import re
import string

import mcpbox_host

VARIABLE = asyncio.events.contextvars.ContextVar("VARIABLE", default=None)


@functools.cache
def remembered(text):
    return text.upper()


def state():
    """What of the interpreter is the same in every call that nobody has tampered with."""
    system = logging.sys
    modules = sorted(name for name in system.modules)
    names = [f"{name}:{len(vars(system.modules[name]))}" for name in modules]
    return {
        "modules": hashlib.sha256(" ".join(names).encode()).hexdigest(),
        "builtins": len(system.modules["builtins"].__dict__),
        "environment": len(logging.os.environ),
        "path_hooks": len(system.meta_path),
        "recursion": system.getrecursionlimit(),
        "digits": system.get_int_max_str_digits(),
        "trace": [repr(system.gettrace()), repr(system.getprofile())],
        "json": [json.dumps({"a": [1, "ñ"]}), json.loads('{"a": 1}')["a"], hasattr(json, "mark")],
        "tasks": len(asyncio.all_tasks()),
        "letters": string.ascii_letters,
        "log": [logging.root.level, len(logging.root.handlers)],
        "sums": [sum(range(10)), sorted("banana"), f"{255:x}", abs(-1), len("four")],
    }


def leave(text):
    """Put the text into every place that could outlive the call, if any could."""
    json.mark = string.mark = remembered(text)
    logging.os.environ["TOKEN"] = text
    logging.sys.intern(text + "-interned")
    re.compile(re.escape(text))
    random.seed(text)
    VARIABLE.set(text)
    logging.sys.modules["left_behind"] = text
    logging.getLogger(text)
    string.ascii_letters_left = [text.encode() * 1000 for _ in range(40)]
    dropped = [(text * 100).encode() for _ in range(100)]
    dropped.append(bytearray(text.encode() * 20_000))
    del dropped


async def main(waits: bool, token: str):
    seen = state()
    leave(token)
    print("neighbour")
    if waits:
        await mcpbox_host.call("hold", token.encode())
    return {"token": secrets["TOKEN"], "state": seen}
