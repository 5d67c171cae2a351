"""URLs and their queries."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urljoin

from ._urlparse import Parts, decode_host, parse

KINDS: dict[str, Any] = {
    "scheme": str,
    "username": str,
    "password": str,
    "userinfo": bytes,
    "host": str,
    "port": int,
    "netloc": bytes,
    "path": str,
    "query": bytes,
    "raw_path": bytes,
    "fragment": str,
    "params": object,
}


class URL:
    """A URL in normal form; it cannot be changed, `copy_with` makes another."""

    __slots__ = ("_parts",)

    def __init__(self, url: Any = "", **changes: Any) -> None:
        parts = _checked(changes) if changes else None
        if isinstance(url, URL):
            self._parts: Parts = parse("", {**url._parts.given(), **parts}) if parts else url._parts
        elif isinstance(url, str):
            self._parts = parse(url, parts)
        else:
            message = f"a URL is made of a str or a URL, not of {type(url).__name__}: {url!r}"
            raise TypeError(message)

    @property
    def scheme(self) -> str:
        """What stands before `://`, in small letters."""
        return self._parts.scheme

    @property
    def raw_scheme(self) -> bytes:
        """The scheme as bytes."""
        return self._parts.scheme.encode("ascii")

    @property
    def userinfo(self) -> bytes:
        """User and password, encoded."""
        return self._parts.userinfo.encode("ascii")

    @property
    def username(self) -> str:
        """The user."""
        return unquote(self._parts.userinfo.partition(":")[0])

    @property
    def password(self) -> str:
        """The password."""
        return unquote(self._parts.userinfo.partition(":")[2])

    @property
    def host(self) -> str:
        """The host as people read it."""
        return decode_host(self._parts.host)

    @property
    def raw_host(self) -> bytes:
        """The host as names are asked for."""
        return self._parts.host.encode("ascii")

    @property
    def port(self) -> int | None:
        """The port where it is not the scheme's own."""
        return self._parts.port

    @property
    def netloc(self) -> bytes:
        """Host and port, as in the header `Host`."""
        return self._parts.netloc.encode("ascii")

    @property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(self._parts.path or "/")

    @property
    def query(self) -> bytes:
        """What stands after `?`, encoded."""
        return (self._parts.query or "").encode("ascii")

    @property
    def params(self) -> QueryParams:
        """The query as names and values."""
        return QueryParams(self._parts.query)

    @property
    def raw_path(self) -> bytes:
        """Path and query, as they are sent."""
        query = "" if self._parts.query is None else f"?{self._parts.query}"
        return f"{self._parts.path or '/'}{query}".encode("ascii")

    @property
    def fragment(self) -> str:
        """What stands after `#`, decoded."""
        return unquote(self._parts.fragment or "")

    @property
    def is_absolute_url(self) -> bool:
        """Whether it names scheme and host."""
        return bool(self._parts.scheme and self._parts.host)

    @property
    def is_relative_url(self) -> bool:
        """Whether scheme or host is missing."""
        return not self.is_absolute_url

    def copy_with(self, **changes: Any) -> URL:
        """Return the URL with other parts."""
        return URL(self, **changes)

    def copy_set_param(self, key: str, value: Any = None) -> URL:
        """Return the URL with one value for a name of its query."""
        return self.copy_with(params=self.params.set(key, value))

    def copy_add_param(self, key: str, value: Any = None) -> URL:
        """Return the URL with one value more for a name of its query."""
        return self.copy_with(params=self.params.add(key, value))

    def copy_remove_param(self, key: str) -> URL:
        """Return the URL without a name of its query."""
        return self.copy_with(params=self.params.remove(key))

    def copy_merge_params(self, params: Any) -> URL:
        """Return the URL with other values for some names of its query."""
        return self.copy_with(params=self.params.merge(params))

    def join(self, url: Any) -> URL:
        """Return the URL that a reference on a page of this one leads to."""
        return URL(urljoin(str(self), str(URL(url))))

    def __hash__(self) -> int:
        return hash(str(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, URL | str) and str(self) == str(URL(other))

    def __str__(self) -> str:
        return str(self._parts)

    def __repr__(self) -> str:
        user, colon, _ = self._parts.userinfo.partition(":")
        if not colon:
            return f"URL({str(self)!r})"
        return f"URL({str(self).replace(self._parts.userinfo, f'{user}:[secure]', 1)!r})"


def _checked(changes: dict[str, Any]) -> dict[str, Any]:
    """Return changes as texts; `params` becomes the query."""
    found: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in KINDS:
            message = f"{name!r} is an invalid keyword argument for URL()"
            raise TypeError(message)
        if value is not None and not isinstance(value, KINDS[name]):
            expected = KINDS[name].__name__
            message = f"{name} of a URL must be {expected}, not {type(value).__name__}"
            raise TypeError(message)
        found[name] = value.decode("ascii") if isinstance(value, bytes) else value
    if "params" in found:
        params = found.pop("params")
        found["query"] = str(QueryParams(params)) if params else None
    return found


def text_of(value: Any) -> str:
    """Return a value as forms and queries write it."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    return "" if value is None else str(value)


class QueryParams(Mapping[str, str]):
    """Names and values of a query, each name with one or several; other ones are made of it."""

    __slots__ = ("_dict",)

    def __init__(self, params: Any = None, /, **named: Any) -> None:
        if params is not None and named:
            raise TypeError("QueryParams takes either one value or names, not both")
        self._dict: dict[str, list[str]] = {}
        given = named if params is None else params
        if params is None and not named:
            return
        if isinstance(given, str | bytes):
            text = given.decode("ascii") if isinstance(given, bytes) else given
            self._dict = parse_qs(text, keep_blank_values=True)
        elif isinstance(given, QueryParams):
            self._dict = {key: list(values) for key, values in given._dict.items()}
        elif isinstance(given, Mapping):
            for key, value in given.items():
                values = value if isinstance(value, list | tuple) else [value]
                self._dict[str(key)] = [text_of(item) for item in values]
        else:
            for key, value in given:
                self._dict.setdefault(str(key), []).append(text_of(value))

    def keys(self) -> Any:
        """Return the names."""
        return self._dict.keys()

    def values(self) -> Any:
        """Return the first value of each name."""
        return {key: values[0] for key, values in self._dict.items()}.values()

    def items(self) -> Any:
        """Return each name with its first value."""
        return {key: values[0] for key, values in self._dict.items()}.items()

    def multi_items(self) -> list[tuple[str, str]]:
        """Return each name as often as it has values."""
        return [(key, value) for key, values in self._dict.items() for value in values]

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the first value of a name."""
        return self._dict[str(key)][0] if str(key) in self._dict else default

    def get_list(self, key: str) -> list[str]:
        """Return all values of a name."""
        return list(self._dict.get(str(key), []))

    def set(self, key: str, value: Any = None) -> QueryParams:
        """Return them with one value for a name."""
        return self._with({**self._dict, str(key): [text_of(value)]})

    def add(self, key: str, value: Any = None) -> QueryParams:
        """Return them with one value more for a name."""
        return self._with({**self._dict, str(key): [*self.get_list(key), text_of(value)]})

    def remove(self, key: str) -> QueryParams:
        """Return them without a name."""
        return self._with({name: held for name, held in self._dict.items() if name != str(key)})

    def merge(self, params: Any = None) -> QueryParams:
        """Return them with the values of others for the names of those."""
        return self._with({**self._dict, **QueryParams(params)._dict})

    def update(self, params: Any = None) -> None:
        """Refuse: they cannot be changed."""
        del params
        raise RuntimeError("QueryParams cannot be changed: use `params = params.merge(...)`")

    @staticmethod
    def _with(values: dict[str, list[str]]) -> QueryParams:
        made = QueryParams()
        made._dict = values
        return made

    def __getitem__(self, key: Any) -> str:
        return self._dict[key][0]

    def __setitem__(self, key: str, value: str) -> None:
        raise RuntimeError("QueryParams cannot be changed: use `params = params.set(key, value)`")

    def __contains__(self, key: Any) -> bool:
        return key in self._dict

    def __iter__(self) -> Iterator[Any]:
        return iter(self._dict)

    def __len__(self) -> int:
        return len(self._dict)

    def __bool__(self) -> bool:
        return bool(self._dict)

    def __hash__(self) -> int:
        return hash(str(self))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QueryParams):
            return False
        return sorted(self.multi_items()) == sorted(other.multi_items())

    def __str__(self) -> str:
        return urlencode(self.multi_items())

    def __repr__(self) -> str:
        return f"QueryParams({str(self)!r})"
