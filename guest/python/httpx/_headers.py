"""Headers: names in any case, each as often as it was given, in the order of giving."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

SENSITIVE = frozenset({b"authorization", b"proxy-authorization"})
# Tried in this order to read what others have sent.
ENCODINGS = ("ascii", "utf-8")


def _name(key: str | bytes, encoding: str | None) -> bytes:
    return key if isinstance(key, bytes) else key.encode(encoding or "ascii")


def _value(value: str | bytes, encoding: str | None) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        message = f"Header value must be str or bytes, not {type(value)}"
        raise TypeError(message)
    return value.encode(encoding or "ascii")


# A name as it was given and in small letters, and the value.
Item = tuple[bytes, bytes, bytes]


class Headers(MutableMapping[str, str]):
    """The headers of a request or a response."""

    def __init__(self, headers: Any = None, encoding: str | None = None) -> None:
        pairs: Iterable[tuple[Any, Any]]
        self._list: list[Item]
        if headers is None:
            self._list = []
        elif isinstance(headers, Headers):
            self._list = list(headers._list)
        else:
            pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
            self._list = [
                (name := _name(key, encoding), name.lower(), _value(value, encoding))
                for key, value in pairs
            ]
        self._encoding = encoding

    @staticmethod
    def of_items(items: list[Item]) -> Headers:
        """Return headers that hold this list."""
        made = Headers()
        made._list = items
        return made

    @property
    def encoding(self) -> str:
        """The encoding of names and values, found out where nobody has said it."""
        if self._encoding is None:
            self._encoding = next(filter(self._is_in, ENCODINGS), "iso-8859-1")
        return self._encoding

    @encoding.setter
    def encoding(self, value: str) -> None:
        self._encoding = value

    def _is_in(self, encoding: str) -> bool:
        try:
            for raw, _, value in self._list:
                raw.decode(encoding)
                value.decode(encoding)
        except UnicodeDecodeError:
            return False
        return True

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """All headers as bytes, in the case in which they were given."""
        return [(raw, value) for raw, _, value in self._list]

    def multi_items(self) -> list[tuple[str, str]]:
        """Return each header as often as it is there."""
        encoding = self.encoding
        return [(key.decode(encoding), value.decode(encoding)) for _, key, value in self._list]

    def _merged(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, value in self.multi_items():
            found[key] = f"{found[key]}, {value}" if key in found else value
        return found

    def keys(self) -> Any:
        """Return the names, in small letters."""
        return self._merged().keys()

    def values(self) -> Any:
        """Return the values, those of one name joined by commas."""
        return self._merged().values()

    def items(self) -> Any:
        """Return names and values, those of one name joined by commas."""
        return self._merged().items()

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a name, several joined by commas."""
        try:
            return self[key]
        except KeyError:
            return default

    def get_list(self, key: str, split_commas: bool = False) -> list[str]:
        """Return all values of a name."""
        lower = self._lower(key)
        found = [value for _, name, value in self._list if name == lower]
        values = [value.decode(self.encoding) for value in found]
        if not split_commas:
            return values
        return [part.strip() for value in values for part in value.split(",")]

    def _lower(self, key: str | bytes) -> bytes:
        # What is ASCII is the same in every encoding, which need not be found out for it.
        plain = isinstance(key, str) and key.isascii() and self._encoding is None
        return _name(key, "ascii" if plain else self.encoding).lower()

    def update(self, headers: Any = None) -> None:
        """Replace the headers that are in both, and add the others."""
        if headers is None:
            return
        given = Headers(headers)
        replaced = {lower for _, lower, _ in given._list}
        self._list = [item for item in self._list if item[1] not in replaced] + given._list

    def copy(self) -> Headers:
        """Return headers that can be changed apart."""
        made = Headers.of_items(list(self._list))
        made._encoding = self._encoding
        return made

    def __getitem__(self, key: str) -> str:
        values = self.get_list(key)
        if not values:
            raise KeyError(key)
        return ", ".join(values)

    def __setitem__(self, key: str, value: str) -> None:
        raw = _name(key, self._encoding)
        item = (raw, raw.lower(), _value(value, self._encoding))
        places = [place for place, found in enumerate(self._list) if found[1] == item[1]]
        for place in reversed(places[1:]):
            del self._list[place]
        if places:
            self._list[places[0]] = item
        else:
            self._list.append(item)

    def __delitem__(self, key: str) -> None:
        lower = self._lower(key)
        kept = [item for item in self._list if item[1] != lower]
        if len(kept) == len(self._list):
            raise KeyError(key)
        self._list = kept

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str | bytes):
            return False
        return self._has(self._lower(key))

    def _has(self, lower: bytes) -> bool:
        for _, found, _ in self._list:  # noqa: SIM110, because a generator costs more
            if found == lower:
                return True
        return False

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._list)

    def __eq__(self, other: object) -> bool:
        try:
            others = Headers(other)
        except TypeError, ValueError, AttributeError:
            return False
        mine = sorted((lower, value) for _, lower, value in self._list)
        return mine == sorted((lower, value) for _, lower, value in others._list)

    __hash__ = None

    def __repr__(self) -> str:
        hidden = {key.decode() for key in SENSITIVE}
        shown = [(key, "[secure]" if key in hidden else value) for key, value in self.multi_items()]
        encoding = "" if self.encoding == "ascii" else f", encoding={self.encoding!r}"
        whole: Any = dict(shown)
        return f"Headers({whole if len(whole) == len(shown) else shown!r}{encoding})"
