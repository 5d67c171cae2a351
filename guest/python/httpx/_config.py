"""Times, numbers of connections, and the default of everything that a client can say once."""

from typing import Any

PARTS = ("connect", "read", "write", "pool")


class UseClientDefault:
    """Stands for what the client says, where `None` means that there is none."""

    def __repr__(self) -> str:
        return "USE_CLIENT_DEFAULT"


USE_CLIENT_DEFAULT = UseClientDefault()


class UnsetType:
    """Stands for what was not said."""


UNSET = UnsetType()


class Timeout:
    """Seconds that the parts of a request may take; `None` is for ever.

    `Timeout(10)`, `Timeout(10, connect=5)`, `Timeout(None)`, or all four by name.
    """

    def __init__(self, timeout: Any = UNSET, **parts: float | None) -> None:
        unknown = parts.keys() - set(PARTS)
        if unknown:
            message = f"Timeout has no part {min(unknown)!r}: it has {', '.join(PARTS)}"
            raise TypeError(message)
        self.connect: float | None
        self.read: float | None
        self.write: float | None
        self.pool: float | None
        if isinstance(timeout, Timeout):
            if parts:
                raise ValueError("a Timeout is taken whole: give either it or its parts")
            given = timeout.as_dict()
        elif isinstance(timeout, tuple):
            given = dict(zip(PARTS, (*timeout, None, None, None, None), strict=False))
        elif timeout is UNSET:
            if len(parts) < len(PARTS):
                raise ValueError("give a Timeout a default, or all of connect, read, write, pool")
            given = {}
        else:
            given = dict.fromkeys(PARTS, timeout)
        for name in PARTS:
            setattr(self, name, parts[name] if name in parts else given[name])

    def as_dict(self) -> dict[str, float | None]:
        """Return the seconds of each part."""
        return {
            "connect": self.connect,
            "read": self.read,
            "write": self.write,
            "pool": self.pool,
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timeout) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash(tuple(self.as_dict().values()))

    def __repr__(self) -> str:
        values = set(self.as_dict().values())
        if len(values) == 1:
            return f"Timeout(timeout={self.connect})"
        parts = ", ".join(f"{name}={value}" for name, value in self.as_dict().items())
        return f"Timeout({parts})"


class Limits:
    """How many requests of a client may be under way at once.

    Connections belong to the host, which keeps them for the next call too: the numbers that are
    about keeping are taken, and have no effect.
    """

    def __init__(
        self,
        *,
        max_connections: int | None = None,
        max_keepalive_connections: int | None = None,
        keepalive_expiry: float | None = 5.0,
    ) -> None:
        self.max_connections = max_connections
        self.max_keepalive_connections = max_keepalive_connections
        self.keepalive_expiry = keepalive_expiry

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Limits) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        parts = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"Limits({parts})"


DEFAULT_TIMEOUT = Timeout(5.0)
DEFAULT_LIMITS = Limits(max_connections=100, max_keepalive_connections=20)
DEFAULT_MAX_REDIRECTS = 10

# What is said about connections, and why a tool cannot say it.
REFUSED = {
    "app": "give `transport=httpx.MockTransport(handler)` to answer requests in the tool itself",
    "cert": "the host opens the connections, and has no certificates of tools",
    "local_address": "the host opens the connections, from an address of its own",
    "mounts": "give `transport=` to all requests of a client, or make several clients",
    "proxies": "the host opens the connections, through the proxy of its own settings if any",
    "proxy": "the host opens the connections, through the proxy of its own settings if any",
    "socket_options": "the host opens the connections",
    "uds": "the host opens the connections, and opens none to sockets of files",
}
# What is taken because programs say it, and decided by the host: certificates are always checked.
IGNORED = frozenset({"http1", "http2", "trust_env", "verify"})


def check_connection_options(given: dict[str, Any], asked: str) -> None:
    """Raise for what a tool cannot say about connections, and for names that there are not."""
    for name, value in given.items():
        if name in IGNORED:
            continue
        if name not in REFUSED:
            message = f"{asked} got an unexpected keyword argument {name!r}"
            raise TypeError(message)
        if value:
            message = f"{name}= is not for tools: {REFUSED[name]}"
            raise ValueError(message)
