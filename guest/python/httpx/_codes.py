"""The statuses of HTTP."""

from enum import IntEnum
from http import HTTPStatus

# What these were called before the library's table was brought up to date.
OLDER = {
    203: ("NON_AUTHORITATIVE_INFORMATION", "Non-Authoritative Information"),
    413: ("REQUEST_ENTITY_TOO_LARGE", "Request Entity Too Large"),
    414: ("REQUEST_URI_TOO_LONG", "Request-URI Too Long"),
    416: ("REQUESTED_RANGE_NOT_SATISFIABLE", "Requested Range Not Satisfiable"),
    418: ("IM_A_TEAPOT", "I'm a teapot"),
    422: ("UNPROCESSABLE_ENTITY", "Unprocessable Entity"),
}


# The first digit of a status.
INFORMATIONAL, SUCCESS, REDIRECT, CLIENT_ERROR, SERVER_ERROR = range(1, 6)


class _Codes(IntEnum):
    """What a number means; compares equal to it."""

    phrase: str

    def __new__(cls, value: int, phrase: str = "") -> _Codes:
        made = int.__new__(cls, value)
        made._value_ = value
        made.phrase = phrase
        return made

    def __str__(self) -> str:
        return str(self.value)

    @classmethod
    def get_reason_phrase(cls, value: int) -> str:
        """Return what a number means in words; nothing where nobody has said."""
        try:
            return cls(value).phrase
        except ValueError:
            return ""

    @classmethod
    def is_informational(cls, value: int) -> bool:
        """Whether the real answer is still to come."""
        return value // 100 == INFORMATIONAL

    @classmethod
    def is_success(cls, value: int) -> bool:
        """Whether the request was carried out."""
        return value // 100 == SUCCESS

    @classmethod
    def is_redirect(cls, value: int) -> bool:
        """Whether the answer is elsewhere."""
        return value // 100 == REDIRECT

    @classmethod
    def is_client_error(cls, value: int) -> bool:
        """Whether the request was wrong."""
        return value // 100 == CLIENT_ERROR

    @classmethod
    def is_server_error(cls, value: int) -> bool:
        """Whether the server failed."""
        return value // 100 == SERVER_ERROR

    @classmethod
    def is_error(cls, value: int) -> bool:
        """Whether either failed."""
        return value // 100 in {CLIENT_ERROR, SERVER_ERROR}


def _members() -> list[tuple[str, tuple[int, str]]]:
    """Return the statuses of the library, under its older names too, also in small letters."""
    members: list[tuple[str, tuple[int, str]]] = []
    for status in HTTPStatus:
        name, phrase = OLDER.get(status.value, (status.name, status.phrase))
        members += [(given, (status.value, phrase)) for given in dict.fromkeys([name, status.name])]
    return members + [(name.lower(), given) for name, given in members]


codes = _Codes("codes", _members(), module="httpx")
