"""Credentials, and the schemes in which they are sent."""

import hashlib
import os
import re
import time
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from typing import Any
from urllib.request import parse_http_list

from ._codes import codes
from ._cookies import Cookies
from ._exceptions import ProtocolError
from ._request import Request
from ._response import Response

Flow = Generator[Request, Response]

HASHES: dict[str, Callable[..., Any]] = {
    "MD5": hashlib.md5,
    "SHA": hashlib.sha1,
    "SHA-256": hashlib.sha256,
    "SHA-512": hashlib.sha512,
}
SESSION = "-SESS"


class Auth:
    """A scheme: a class of the tool's own gives the requests to send in `auth_flow`."""

    requires_request_body = False
    requires_response_body = False

    def auth_flow(self, request: Request) -> Flow:
        """Give a request to send; `yield` returns its response, and another may be given."""
        yield request

    def sync_auth_flow(self, request: Request) -> Flow:
        """Do as `auth_flow`, with the bodies read that the scheme requires."""
        if self.requires_request_body:
            request.read()
        flow = self.auth_flow(request)
        asked = next(flow)
        while True:
            response = yield asked
            if self.requires_response_body:
                response.read()
            try:
                asked = flow.send(response)
            except StopIteration:
                return

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """Do as `auth_flow`, with the bodies read that the scheme requires."""
        if self.requires_request_body:
            await request.aread()
        flow = self.auth_flow(request)
        asked = next(flow)
        while True:
            response = yield asked
            if self.requires_response_body:
                await response.aread()
            try:
                asked = flow.send(response)
            except StopIteration:
                return


class FunctionAuth(Auth):
    """A function that changes the request."""

    def __init__(self, func: Callable[[Request], Request]) -> None:
        self._func = func

    def auth_flow(self, request: Request) -> Flow:
        """Send what the function returns."""
        yield self._func(request)


class BasicAuth(Auth):
    """A user and a password, sent with the request."""

    def __init__(self, username: str | bytes, password: str | bytes) -> None:
        pair = b":".join((_bytes(username), _bytes(password)))
        self._auth_header = f"Basic {b64encode(pair).decode('ascii')}"

    def auth_flow(self, request: Request) -> Flow:
        """Send the credentials."""
        request.headers["Authorization"] = self._auth_header
        yield request


class NetRCAuth(Auth):
    """Credentials of a file `.netrc`, of which there is none in a tool."""

    def __init__(self, file: str | None = None) -> None:
        del file
        raise ValueError("a tool has no file .netrc: read the credentials from `secrets`")


@dataclass(frozen=True)
class Challenge:
    """What a server asks in the scheme Digest."""

    realm: bytes
    nonce: bytes
    algorithm: str
    opaque: bytes | None
    qop: bytes | None


class DigestAuth(Auth):
    """A user and a password that are never sent, by RFC 7616."""

    def __init__(self, username: str | bytes, password: str | bytes) -> None:
        self._username = _bytes(username)
        self._password = _bytes(password)
        self._last: Challenge | None = None
        self._count = 1

    def auth_flow(self, request: Request) -> Flow:
        """Send the request, and again with the answer to what the server asks."""
        if self._last is not None:
            request.headers["Authorization"] = self._answer(request, self._last)
        response = yield request
        told = response.headers.get_list("www-authenticate")
        told = [header for header in told if header.lower().startswith("digest ")]
        if response.status_code != codes.UNAUTHORIZED or not told:
            return
        self._last, self._count = _challenge(told[0], request), 1
        request.headers["Authorization"] = self._answer(request, self._last)
        if response.cookies:
            Cookies(response.cookies).set_cookie_header(request)
        yield request

    def _answer(self, request: Request, asked: Challenge) -> str:
        plain = asked.algorithm.removesuffix(SESSION)
        make = HASHES[plain]

        def digest(*parts: bytes) -> bytes:
            return make(b":".join(parts), usedforsecurity=False).hexdigest().encode()

        count = b"%08x" % self._count
        self._count += 1
        own = _own_nonce(self._count, asked.nonce)
        first = digest(self._username, asked.realm, self._password)
        if asked.algorithm.endswith(SESSION):
            first = digest(first, asked.nonce, own)
        path = request.url.raw_path
        second = digest(request.method.encode(), path)
        middle = [] if asked.qop is None else [count, own, asked.qop]
        fields = {
            "username": self._username,
            "realm": asked.realm,
            "nonce": asked.nonce,
            "uri": path,
            "response": digest(first, asked.nonce, *middle, second),
            "algorithm": asked.algorithm.encode(),
        }
        if asked.opaque is not None:
            fields["opaque"] = asked.opaque
        if asked.qop is not None:
            fields |= {"qop": asked.qop, "nc": count, "cnonce": own}
        return "Digest " + ", ".join(_field(name, value) for name, value in fields.items())


def _field(name: str, value: bytes) -> str:
    text = value.decode()
    return f"{name}={text}" if name in {"algorithm", "qop", "nc"} else f'{name}="{text}"'


def _own_nonce(count: int, nonce: bytes) -> bytes:
    drawn = b"%d" % count + nonce + time.ctime().encode() + os.urandom(8)
    return hashlib.sha1(drawn, usedforsecurity=False).hexdigest()[:16].encode()


def _challenge(header: str, request: Request) -> Challenge:
    found: dict[str, str] = {}
    for part in parse_http_list(header.partition(" ")[2]):
        key, _, value = part.strip().partition("=")
        found[key.lower()] = value.strip('"')
    algorithm = found.get("algorithm", "MD5").upper()
    if "realm" not in found or "nonce" not in found:
        raise ProtocolError(
            "what the server asks in the scheme Digest is incomplete", request=request
        )
    if algorithm.removesuffix(SESSION) not in HASHES:
        message = f"the server asks for the hash {algorithm!r} of Digest, which is not known"
        raise ProtocolError(message, request=request)
    offered = re.split(", ?", found["qop"]) if "qop" in found else None
    if offered is not None and "auth" not in offered:
        message = f"the server asks for the protection {found['qop']!r} of Digest: there is `auth`"
        raise ProtocolError(message, request=request)
    opaque = found.get("opaque")
    return Challenge(
        found["realm"].encode(),
        found["nonce"].encode(),
        algorithm,
        None if opaque is None else opaque.encode(),
        None if offered is None else b"auth",
    )


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def of(given: Any) -> Auth | None:
    """Return the scheme for what a tool gives: a pair, a function, a scheme, or nothing."""
    if given is None or isinstance(given, Auth):
        return given
    if isinstance(given, tuple):
        username, password = given
        return BasicAuth(username, password)
    if callable(given):
        return FunctionAuth(given)
    message = f"auth= must be (user, password), a function or an Auth, not {given!r}"
    raise TypeError(message)
