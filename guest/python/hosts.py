"""The hosts that texts of a source name, each in the one form that grants are written in."""

import enum
import ipaddress
import re

from httpx._exceptions import InvalidURL
from httpx._urlparse import encode_host

URL = re.compile(r"https?://([^/?#]*)([/?#]?)", re.IGNORECASE)
PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:@\[\]]+)(?::([0-9]*))?")
NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
NAME_MAX = 253
PORT_MAX = 65_535
# A name that ends so is an address, or nothing.
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# What `%` and `format` put something in the place of.
PATTERNS = re.compile(r"[%{]")


class Rest(enum.Enum):
    """What follows a text in the expression that it begins."""

    NOTHING = enum.auto()
    # A part of the same f-string: nobody can tell where the host ends.
    INSERTED = enum.auto()
    # The right side of `+` or `%`, which is a path where the host looks complete.
    OPERAND = enum.auto()


def normal(place: str) -> str | None:
    """Return `host` or `host:port` in normal form; nothing where it is neither."""
    found = PLACE.fullmatch(place)
    if found is None:
        return None
    host, port = _host(found[1]), found[2] or ""
    if host is None or not port:
        return host
    number = int(port) if len(port) <= len(str(PORT_MAX)) else 0
    return f"{host}:{number}" if 0 < number <= PORT_MAX else None


def of_text(text: str, rest: Rest) -> tuple[str | None, bool]:
    """Return the host of a text that begins a URL, and whether it is computed instead."""
    found = URL.match(text)
    if found is None:
        return None, False
    place = found[1].rpartition("@")[2]
    if PATTERNS.search(place):
        return None, True
    if found[2] or rest is Rest.NOTHING:
        return normal(place), False
    if rest is Rest.INSERTED or "." not in place[1:-1] or place[-1] in ".-:":
        return None, True
    return normal(place), False


def _host(text: str) -> str | None:
    try:
        if text.startswith("["):
            six = ipaddress.IPv6Address(text[1:-1])
            return f"[{six.compressed}]" if six.ipv4_mapped is None else str(six.ipv4_mapped)
        name = encode_host(text.removesuffix(".")).removesuffix(".").lower()
        last = name.rpartition(".")[2]
        if NUMBER.fullmatch(last):
            return str(ipaddress.IPv4Address(name))
        for label in name.split("."):
            if label.startswith("xn--"):
                label[4:].encode().decode("punycode")
    except InvalidURL, ValueError:
        return None
    return name if len(name) <= NAME_MAX and NAME.fullmatch(name) else None
