"""What of the library a module level may use, and still be executed ahead of the call.

Nothing here reads a clock, draws a random number, writes, waits, or depends on the arguments.
"""

import abc
import asyncio
import base64
import binascii
import builtins
import collections
import contextlib
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import html
import ipaddress
import itertools
import json
import logging
import math
import operator
import re
import string
import textwrap
import types
import typing
import unicodedata
import urllib.parse
import uuid
import weakref
import zoneinfo
from typing import Any

import httpx
import regex

# Methods of texts, bytes and collections that call nothing but what they are given.
METHODS = frozenset(
    """
    add append capitalize casefold copy count difference encode decode endswith expandtabs extend
    format fromhex get hex index insert intersection items join keys ljust lower lstrip maketrans
    partition removeprefix removesuffix replace rjust rpartition rsplit rstrip setdefault split
    splitlines startswith strip swapcase symmetric_difference title translate union update upper
    values zfill
    """.split()
)
BUILTINS = """
    abs all any bin bool bytearray bytes chr complex dict divmod enumerate filter float format
    frozenset hex int len list map max min object oct ord pow range reversed round set slice sorted
    str sum tuple zip
    """.split()


def _callables(module: Any, names: str = "") -> set[Any]:
    """Return functions and classes of a module: those of these names, or all."""
    found = (getattr(module, name) for name in names.split() or dir(module) if name[0] != "_")
    return {item for item in found if callable(item)}


# Called with data, they return data.
PURE = frozenset(
    {getattr(builtins, name) for name in BUILTINS}
    | {method for kind in (str, bytes) for method in _callables(kind)}
    | {dict.fromkeys, datetime.datetime.fromisoformat, datetime.date.fromisoformat}
    | {datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone}
    | {dataclasses.field, enum.auto, fractions.Fraction, json.loads, json.dumps, uuid.UUID}
    | {zoneinfo.ZoneInfo, string.Template, re.compile, re.escape, regex.compile, regex.escape}
    | {weakref.WeakValueDictionary}
    | _callables(asyncio, "BoundedSemaphore Event Lock Queue Semaphore")
    | _callables(base64)
    | _callables(binascii)
    | _callables(collections, "ChainMap Counter OrderedDict defaultdict deque namedtuple")
    | _callables(decimal, "Context Decimal")
    | _callables(html)
    | _callables(httpx, "URL BasicAuth DigestAuth Headers Limits QueryParams Timeout")
    | _callables(ipaddress)
    | _callables(itertools)
    | _callables(logging, "getLogger NullHandler Formatter")
    | _callables(math)
    | _callables(operator)
    | _callables(textwrap)
    | _callables(types, "MappingProxyType SimpleNamespace")
    | _callables(unicodedata)
    | _callables(urllib.parse)
    # These would find, or call, what has no name in the tool.
) - {
    operator.attrgetter,
    operator.methodcaller,
    operator.call,
    base64.main,
    base64.encode,
    base64.decode,
}

# Called with data, they return what is not: each of its methods may do anything.
MAKING = frozenset({httpx.AsyncClient, httpx.AsyncHTTPTransport})

# They keep what they are given, whatever it is, and call nothing of it.
HOLDING = frozenset(
    {list, tuple, set, frozenset, len, zip, enumerate, dataclasses.field, functools.partial}
    | {types.MappingProxyType, enum.Enum, enum.IntEnum, enum.StrEnum, enum.member, enum.nonmember}
    | _callables(typing, "NamedTuple NewType ParamSpec TypeVar TypeVarTuple TypedDict cast")
)

# Decorators, and what makes decorators.
DECORATORS = frozenset(
    {abc.abstractmethod, classmethod, property, staticmethod, dataclasses.dataclass}
    | {contextlib.contextmanager, contextlib.asynccontextmanager, enum.unique}
    | _callables(functools, "cache cached_property lru_cache total_ordering singledispatch wraps")
    | _callables(typing, "final override overload runtime_checkable")
)
ENUMERATION = enum.Enum
METACLASSES = frozenset({abc.ABCMeta, enum.EnumMeta, type})

# An instance of a class with no other bases holds its fields, and has no other ways.
PLAIN_BASES = frozenset({object, abc.ABC, typing.Generic, typing.NamedTuple, typing.TypedDict})


def among(found: Any, allowed: frozenset[Any]) -> bool:
    """Whether something is in a set; what has no hash is in none."""
    try:
        return found in allowed
    except TypeError:
        return False
