"""The global `http` of a tool."""

from types import ModuleType
from typing import Any, Self

from ._client import AsyncClient

# A call has a limit of its own; this one lets the tool say what it waited for.
TIMEOUT = 30.0


class Http(AsyncClient):
    """A client for the whole call, which has also the names of the module `httpx`."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__(timeout=TIMEOUT)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._module.__all__:
            return getattr(self._module, name)
        message = (
            f"http has no {name!r}: it has get, post, put, patch, delete, head, options, request,"
            " stream, and the names of httpx such as http.AsyncClient"
        )
        raise AttributeError(message, name=name, obj=self)

    async def aclose(self) -> None:
        """Leave it open: it belongs to the call."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Leave it open: it belongs to the call."""

    def __repr__(self) -> str:
        return "<http: a client for this call>"
