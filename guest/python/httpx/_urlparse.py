"""Taking URLs apart, and bringing each part into one form."""

import ipaddress
import re
import unicodedata
from typing import Any, NamedTuple
from urllib.parse import quote

from ._exceptions import InvalidURL

LENGTH_MAX = 65_536
# The parts of a URL as RFC 3986 has them, appendix B.
WHOLE = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)?:)?(?://(?P<authority>[^/?#]*))?"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL,
)
AUTHORITY = re.compile(r"(?:(?P<userinfo>.*)@)?(?P<host>\[.*\]|[^:@]*):?(?P<port>.*)")
# What each part may consist of, said one by one.
FORMS = {
    "scheme": re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)?"),
    "userinfo": re.compile(r"[^/?#]*"),
    "host": re.compile(r"\[.*\]|[^:@]*"),
    "port": re.compile(r".*"),
    "path": re.compile(r"[^?#]*"),
    "query": re.compile(r"[^#]*"),
    "fragment": re.compile(r".*"),
}
ESCAPE = re.compile("(%[A-Fa-f0-9]{2})")
CONTROL = re.compile("[\x00-\x1f\x7f]")
DEFAULT_PORTS = {"ftp": 21, "http": 80, "https": 443, "ws": 80, "wss": 443}
PORT_MAX = 65_535
# Looks like four numbers, so that it has to be an address.
NUMBERS = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
HOST_SAFE = "!$&'()*+,;=\""


def _all_but(excluded: str) -> str:
    """Return the printable characters that stay as they are in a part."""
    return "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in excluded)


# The percent-encode sets of the URL standard.
FRAGMENT_SAFE = _all_but(' "<>`')
QUERY_SAFE = _all_but(' "#<>')
PATH_SAFE = _all_but(' "#<>?`{}')
USERINFO_SAFE = _all_but(' "#<>?`{}/:;=@[\\]^|')


def _encoded(safe: str) -> str:
    """Return a pattern of what stays as it is in a part."""
    one = f"[{re.escape(safe.replace('%', ''))}]*"
    return f"{one}(?:%[A-Fa-f0-9]{{2}}{one})*"


# What most URLs are: in normal form already, so that their parts need only be cut out.
PLAIN = re.compile(
    r"(https?)://([a-z0-9._-]+)(?::([0-9]{1,5}))?"
    rf"(/{_encoded(PATH_SAFE)}|)(?:\?({_encoded(QUERY_SAFE)}))?"
)
OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
ADDRESS = re.compile(rf"{OCTET}(?:\.{OCTET}){{3}}")
# Deviations that name other hosts today than they did once.
KEPT = "ßς\u200c\u200d"


class Parts(NamedTuple):
    """A URL in parts, each encoded; a host has no brackets round it."""

    scheme: str
    userinfo: str
    host: str
    port: int | None
    path: str
    query: str | None
    fragment: str | None

    @property
    def netloc(self) -> str:
        """Host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def authority(self) -> str:
        """User, host and port."""
        return f"{self.userinfo}@{self.netloc}" if self.userinfo else self.netloc

    def __str__(self) -> str:
        scheme = f"{self.scheme}:" if self.scheme else ""
        authority = f"//{self.authority}" if self.authority else ""
        query = "" if self.query is None else f"?{self.query}"
        fragment = "" if self.fragment is None else f"#{self.fragment}"
        return f"{scheme}{authority}{self.path}{query}{fragment}"

    def given(self) -> dict[str, Any]:
        """Return the parts by name, as `parse` takes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        names = ("scheme", "userinfo", "path", "query", "fragment")
        port = None if self.port is None else str(self.port)
        return {name: getattr(self, name) for name in names} | {"host": host, "port": port}


def parse(text: str, changes: dict[str, Any] | None = None) -> Parts:
    """Read a URL; `changes` replaces parts of it."""
    if len(text) > LENGTH_MAX:
        raise InvalidURL(f"the URL has more than {LENGTH_MAX} characters")
    if not changes and (plain := _plain(text)) is not None:
        return plain
    _check_printable(text, "URL")
    changes = _simplified(dict(changes or {}))
    for name, value in changes.items():
        if value is not None:
            _check_part(name, value)
    whole = WHOLE.fullmatch(text)
    found = {} if whole is None else whole.groupdict()
    place = AUTHORITY.fullmatch(found.get("authority") or "")
    if whole is None or place is None:
        raise InvalidURL(f"{text!r} is not a URL")
    return _normal({**found, **place.groupdict(), **changes})


def _plain(text: str) -> Parts | None:
    """Read a URL that is in normal form, but for a port that is the scheme's own."""
    found = PLAIN.fullmatch(text)
    if found is None:
        return None
    scheme, host, digits, path, query = found.groups()
    port = None if digits is None else int(digits)
    if (port or 0) > PORT_MAX or "/." in path:
        return None
    if host[-1] in "0123456789" and NUMBERS.fullmatch(host) and not ADDRESS.fullmatch(host):
        return None
    return Parts(
        scheme, "", host, None if port == DEFAULT_PORTS[scheme] else port, path, query, None
    )


def _normal(found: dict[str, str | None]) -> Parts:
    scheme = (found["scheme"] or "").lower()
    userinfo = escape(found["userinfo"] or "", USERINFO_SAFE + ":")
    host = encode_host(found["host"] or "")
    port = _port(found["port"], scheme)
    path = found["path"] or ""
    absolute = bool(scheme or host or userinfo or port is not None)
    _check_path(path, bool(scheme), bool(host or userinfo or port is not None))
    if absolute:
        path = without_dots(path)
    query, fragment = found["query"], found["fragment"]
    return Parts(
        scheme,
        userinfo,
        host,
        port,
        escape(path, PATH_SAFE),
        None if query is None else escape(query, QUERY_SAFE),
        None if fragment is None else escape(fragment, FRAGMENT_SAFE),
    )


def _simplified(changes: dict[str, Any]) -> dict[str, Any]:
    """Bring what may be said in several ways into the parts."""
    if "port" in changes and isinstance(changes["port"], int):
        changes["port"] = str(changes["port"])
    if "netloc" in changes:
        changes["host"], _, changes["port"] = _split_port(changes.pop("netloc") or "")
    if "username" in changes or "password" in changes:
        user = escape(changes.pop("username", "") or "", USERINFO_SAFE)
        password = escape(changes.pop("password", "") or "", USERINFO_SAFE)
        changes["userinfo"] = f"{user}:{password}" if password else user
    if "raw_path" in changes:
        path, mark, query = (changes.pop("raw_path") or "").partition("?")
        changes["path"], changes["query"] = path, query if mark else None
    host = changes.get("host")
    if host and ":" in host and not host.startswith("["):
        changes["host"] = f"[{host}]"
    return changes


def _split_port(netloc: str) -> tuple[str, str, str]:
    if netloc.endswith("]"):
        return netloc, "", ""
    host, colon, port = netloc.rpartition(":")
    return (host, colon, port) if colon else (netloc, "", "")


def _check_printable(text: str, what: str) -> None:
    found = CONTROL.search(text)
    if found:
        place = f"{found[0]!r} at position {found.start()}"
        raise InvalidURL(f"a {what} cannot have the unprintable character {place}")


def _check_part(name: str, value: str) -> None:
    if len(value) > LENGTH_MAX:
        raise InvalidURL(f"the {name} of the URL has more than {LENGTH_MAX} characters")
    _check_printable(value, f"URL's {name}")
    if not FORMS[name].fullmatch(value):
        raise InvalidURL(f"{value!r} cannot be the {name} of a URL")


def _check_path(path: str, has_scheme: bool, has_authority: bool) -> None:
    if has_authority:
        if path and not path.startswith("/"):
            raise InvalidURL(f"the path of a URL with a host begins with '/', not as {path!r}")
        return
    if path.startswith("//"):
        raise InvalidURL("the path of a URL without a host cannot begin with '//'")
    if path.startswith(":") and not has_scheme:
        raise InvalidURL("the path of a URL without a scheme cannot begin with ':'")


def _port(given: str | None, scheme: str) -> int | None:
    text = (given or "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) > PORT_MAX:
        raise InvalidURL(f"{text!r} is not a port")
    return None if DEFAULT_PORTS.get(scheme) == int(text) else int(text)


def encode_host(host: str) -> str:
    """Return a host in ASCII and small letters, without the brackets of an address."""
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            raise InvalidURL(f"{host!r} is not an IPv6 address") from None
        return host[1:-1]
    if NUMBERS.fullmatch(host):
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            raise InvalidURL(f"{host!r} is not an IPv4 address") from None
        return host
    if host.isascii():
        return escape(host.lower(), HOST_SAFE)
    try:
        return ".".join(map(_encode_label, _mapped(host).split(".")))
    except UnicodeError:
        raise InvalidURL(f"{host!r} is not the name of a host") from None


def _mapped(host: str) -> str:
    """Fold case and width, as UTS 46 maps names before they are encoded."""
    folded = "".join(
        letter if letter in KEPT else unicodedata.normalize("NFKC", letter).casefold()
        for letter in unicodedata.normalize("NFC", host)
    )
    return unicodedata.normalize("NFC", folded).replace("。", ".")


def _encode_label(label: str) -> str:
    if label.isascii():
        return label
    if any(
        unicodedata.category(letter)[0] not in "LMN" and letter not in KEPT + "-"
        for letter in label
    ):
        raise UnicodeError
    return "xn--" + label.encode("punycode").decode("ascii")


def decode_host(host: str) -> str:
    """Return a host as people read it."""
    if "xn--" not in host:
        return host
    try:
        return ".".join(
            label[4:].encode().decode("punycode") if label.startswith("xn--") else label
            for label in host.split(".")
        )
    except UnicodeError:
        return host


def escape(text: str, safe: str) -> str:
    """Percent-encode what is neither safe nor encoded already."""
    parts = ESCAPE.split(text)
    return "".join(
        part if place % 2 else quote(part, safe=safe) for place, part in enumerate(parts)
    )


def without_dots(path: str) -> str:
    """Take the segments `.` and `..` out of a path, as RFC 3986 says in 5.2.4."""
    if "." not in path:
        return path
    segments = path.split("/")
    if not {".", ".."}.intersection(segments):
        return path
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            if kept and kept != [""]:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    return "/".join(kept)
