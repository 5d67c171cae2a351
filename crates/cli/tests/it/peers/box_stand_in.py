"""Stands in for Box: an authorization server and an MCP server, each with what is odd about Box's.

The issuer is written without a slash and named with one by the resource; there is no registration; a 401 has no
body; tokens are `bearer` in lower case and come without a scope; codes hold for 30 seconds; a refresh token holds
once. Prints the ports of both. The authorization server tells at `/told` what happened, and ends every access token
at `/expire`.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import socket
import time
from urllib.parse import parse_qs, urlencode, urlparse

import uvicorn
from fastmcp import FastMCP
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT = ("box-client", "box-secret")
CODE_SECONDS = 30

codes: dict[str, dict] = {}
access: set[str] = set()
refresh: set[str] = set()
told = {"logins": 0, "refreshes": 0, "replays": 0, "revoked": 0, "called_with": []}

listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
ISSUER, RESOURCE = (f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in listeners)


def refusal(error: str, why: str) -> JSONResponse:
    return JSONResponse({"error": error, "error_description": why}, 400)


async def metadata(_: Request) -> JSONResponse:
    return JSONResponse(
        {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/api/oauth2/authorize",
            "token_endpoint": f"{ISSUER}/oauth2/token",
            "revocation_endpoint": f"{ISSUER}/oauth2/revoke",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }
    )


async def authorize(request: Request) -> Response:
    """Agrees at once, as a person would who is signed in."""
    asked = request.query_params
    redirect = asked.get("redirect_uri", "")
    if asked.get("client_id") != CLIENT[0] or asked.get("code_challenge_method") != "S256":
        return Response("invalid", 400)
    if urlparse(redirect).hostname not in ("localhost", "127.0.0.1"):
        return Response("redirect_uri_mismatch", 400)
    code = secrets.token_urlsafe(16)
    codes[code] = {
        "challenge": asked["code_challenge"],
        "redirect": redirect,
        "ends": time.monotonic() + CODE_SECONDS,
    }
    return RedirectResponse(f"{redirect}?{urlencode({'code': code, 'state': asked['state']})}", 302)


def pair() -> JSONResponse:
    tokens = [secrets.token_urlsafe(24) for _ in range(2)]
    access.add(tokens[0])
    refresh.add(tokens[1])
    return JSONResponse(
        {
            "access_token": tokens[0],
            "expires_in": 3600,
            "restricted_to": [],
            "refresh_token": tokens[1],
            "token_type": "bearer",
        }
    )


async def form(request: Request) -> dict[str, str]:
    fields = parse_qs((await request.body()).decode())
    fields = {name: values[0] for name, values in fields.items()}
    basic = request.headers.get("authorization", "")
    if basic.lower().startswith("basic "):
        name, _, password = base64.b64decode(basic[6:]).decode().partition(":")
        fields |= {"client_id": name, "client_secret": password}
    return fields


async def token(request: Request) -> Response:
    fields = await form(request)
    if (fields.get("client_id"), fields.get("client_secret")) != CLIENT:
        return refusal("invalid_client", "The client credentials are invalid")
    if fields.get("grant_type") == "refresh_token":
        if fields.get("refresh_token") not in refresh:
            told["replays"] += 1
            return refusal("invalid_grant", "Refresh token has expired")
        refresh.remove(fields["refresh_token"])
        told["refreshes"] += 1
        return pair()
    code = codes.pop(fields.get("code", ""), None)
    digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if code is None or code["ends"] < time.monotonic() or code["challenge"] != challenge:
        return refusal("invalid_grant", "The authorization code is invalid or has expired")
    told["logins"] += 1
    return pair()


async def revoke(request: Request) -> Response:
    fields = await form(request)
    if (fields.get("client_id"), fields.get("client_secret")) != CLIENT:
        return refusal("invalid_client", "The client credentials are invalid")
    access.discard(fields["token"])
    refresh.discard(fields["token"])
    told["revoked"] += 1
    return Response(status_code=200)


async def tell(_: Request) -> JSONResponse:
    return JSONResponse(told)


async def expire(_: Request) -> Response:
    access.clear()
    return Response(status_code=204)


authorization = Starlette(
    routes=[
        Route("/.well-known/oauth-authorization-server", metadata),
        Route("/api/oauth2/authorize", authorize),
        Route("/oauth2/token", token, methods=["POST"]),
        Route("/oauth2/revoke", revoke, methods=["POST"]),
        Route("/told", tell),
        Route("/expire", expire, methods=["POST"]),
    ]
)

box = FastMCP("box", version="1.0")


@box.tool()
def who_am_i() -> str:
    """Tells whose files these are."""
    return "ann@box.example"


@box.tool()
def search_files(query: str) -> list[str]:
    """Finds files by their text."""
    return [f"{query}.pdf"]


def guarded(app):
    """The MCP server behind its tokens, with the document that names who gives them."""

    async def wrapped(scope, receive, send):
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        if scope["path"] == "/.well-known/oauth-protected-resource":
            document = {
                "resource": f"{RESOURCE}/",
                "authorization_servers": [f"{ISSUER}/"],
                "bearer_methods_supported": ["header"],
                "resource_name": "Box Model Context Protocol Server",
            }
            await JSONResponse(document)(scope, receive, send)
            return
        shown = dict(scope["headers"]).get(b"authorization", b"").decode()
        shown = shown.removeprefix("Bearer ")
        if shown not in access:
            challenge = (
                'Bearer realm="Service", error="invalid_request", '
                'error_description="The access token was not found.", '
                f'resource_metadata="{RESOURCE}/.well-known/oauth-protected-resource"'
            )
            headers = {"www-authenticate": challenge}
            await Response(status_code=401, headers=headers)(scope, receive, send)
            return
        if shown not in told["called_with"]:
            told["called_with"].append(shown)
        await app(scope, receive, send)

    return wrapped


async def main():
    print(json.dumps({"issuer": ISSUER, "resource": RESOURCE}), flush=True)
    apps = [authorization, guarded(box.http_app(path="/"))]
    servers = [
        uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        for app in apps
    ]
    pairs = zip(servers, listeners, strict=True)
    await asyncio.gather(*(server.serve(sockets=[listener]) for server, listener in pairs))


asyncio.run(main())
