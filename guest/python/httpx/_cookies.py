"""Cookies: those that a tool sets, and those that servers set, kept by the library's rules."""

import typing
from collections.abc import Iterable, Iterator, MutableMapping
from email.message import Message
from http.cookiejar import Cookie, CookieJar
from typing import Any

from ._exceptions import CookieConflict

if typing.TYPE_CHECKING:
    from ._request import Request
    from ._response import Response


class Cookies(MutableMapping[str, str]):
    """Cookies by name; `set` and `get` take a domain and a path as well."""

    def __init__(self, cookies: Any = None) -> None:
        self._jar: CookieJar | None = None
        if cookies is None:
            return
        if isinstance(cookies, CookieJar):
            self._jar = cookies
        elif isinstance(cookies, Cookies):
            for cookie in cookies._held():
                self.jar.set_cookie(cookie)
        else:
            for key, value in cookies.items() if isinstance(cookies, dict) else cookies:
                self.set(key, value)

    @property
    def jar(self) -> CookieJar:
        """The jar of the library, made when there is something to keep."""
        if self._jar is None:
            self._jar = CookieJar()
        return self._jar

    @jar.setter
    def jar(self, jar: CookieJar) -> None:
        self._jar = jar

    def _held(self) -> Iterable[Cookie]:
        return () if self._jar is None else self._jar

    def extract_cookies(self, response: Response) -> None:
        """Keep what a response sets."""
        if "set-cookie" in response.headers:
            self.jar.extract_cookies(_Answer(response), _Asked(response.request))  # type: ignore[arg-type]

    def set_cookie_header(self, request: Request) -> None:
        """Write the cookies for a request's URL into its headers."""
        self.jar.add_cookie_header(_Asked(request))  # type: ignore[arg-type]

    def set(self, name: str, value: str, domain: str = "", path: str = "/") -> None:
        """Set a cookie; without a domain it goes to every host."""
        self.jar.set_cookie(
            Cookie(
                version=0,
                name=name,
                value=value,
                port=None,
                port_specified=False,
                domain=domain,
                domain_specified=bool(domain),
                domain_initial_dot=domain.startswith("."),
                path=path,
                path_specified=bool(path),
                secure=False,
                expires=None,
                discard=True,
                comment=None,
                comment_url=None,
                rest={"HttpOnly": ""},
                rfc2109=False,
            )
        )

    def _matching(self, name: str | None, domain: str | None, path: str | None) -> list[Cookie]:
        return [
            cookie
            for cookie in self._held()
            if name in {None, cookie.name}
            and domain in {None, cookie.domain}
            and path in {None, cookie.path}
        ]

    def get(
        self,
        name: str,
        default: Any = None,
        domain: str | None = None,
        path: str | None = None,
    ) -> Any:
        """Return the value of a cookie."""
        found = self._matching(name, domain, path)
        if len(found) > 1:
            raise CookieConflict(f"several cookies have the name {name!r}: say domain or path")
        return found[0].value if found else default

    def delete(self, name: str, domain: str | None = None, path: str | None = None) -> None:
        """Forget the cookies of a name."""
        for cookie in self._matching(name, domain, path):
            self.jar.clear(cookie.domain, cookie.path, cookie.name)

    def clear(self, domain: str | None = None, path: str | None = None) -> None:
        """Forget all cookies, or those of a domain and a path."""
        for cookie in self._matching(None, domain, path):
            self.jar.clear(cookie.domain, cookie.path, cookie.name)

    def update(self, cookies: Any = None) -> None:
        """Set others beside these."""
        if cookies is not None:
            for cookie in Cookies(cookies)._held():
                self.jar.set_cookie(cookie)

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __delitem__(self, name: str) -> None:
        self.delete(name)

    def __len__(self) -> int:
        return 0 if self._jar is None else len(self._jar)

    def __iter__(self) -> Iterator[str]:
        return (cookie.name for cookie in self._held())

    def __bool__(self) -> bool:
        return len(self) > 0

    def __repr__(self) -> str:
        shown = ", ".join(
            f"<Cookie {cookie.name}={cookie.value} for {cookie.domain} />"
            for cookie in self._held()
        )
        return f"<Cookies[{shown}]>"


class _Asked:
    """A request as the library's jar asks for it."""

    unverifiable = False

    def __init__(self, request: Request) -> None:
        self._request = request
        self.host = request.url.host
        self.origin_req_host = request.url.host
        self.type = request.url.scheme

    def get_full_url(self) -> str:
        return str(self._request.url)

    def has_header(self, name: str) -> bool:
        return name in self._request.headers

    def get_header(self, name: str, default: Any = None) -> Any:
        return self._request.headers.get(name, default)

    def add_unredirected_header(self, name: str, value: str) -> None:
        self._request.headers[name] = value


class _Answer:
    """A response as the library's jar asks for it."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def info(self) -> Message:
        message = Message()
        for key, value in self._response.headers.multi_items():
            # The item assignment of a message adds.
            message[key] = value
        return message
