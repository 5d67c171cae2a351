"""Bodies that come in parts."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from ._exceptions import StreamConsumed

PART = 65_536


class SyncByteStream:
    """A body that is iterated with `for`."""

    def __iter__(self) -> Iterator[bytes]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__")

    def close(self) -> None:
        """Let go of what the body comes from."""


class AsyncByteStream:
    """A body that is iterated with `async for`."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise NotImplementedError(f"{type(self).__name__} has no __aiter__")

    async def aclose(self) -> None:
        """Let go of what the body comes from."""


class ByteStream(SyncByteStream, AsyncByteStream):
    """A body that is there as a whole."""

    def __init__(self, stream: bytes) -> None:
        self.whole = stream

    def __iter__(self) -> Iterator[bytes]:
        yield self.whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.whole


class IteratedStream(SyncByteStream, AsyncByteStream):
    """A body that the tool's own iterable gives; a generator gives it once."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._begun = False
        self._once = hasattr(source, "__next__") or hasattr(source, "__anext__")

    def _begin(self) -> None:
        if self._begun and self._once:
            raise StreamConsumed
        self._begun = True

    def __iter__(self) -> Iterator[bytes]:
        self._begin()
        if not hasattr(self._source, "__iter__"):
            raise RuntimeError("this body is iterated with `async for`: use `await` and `aread`")
        read: Callable[[int], bytes] | None = getattr(self._source, "read", None)
        if read is None:
            yield from self._source
            return
        while part := read(PART):
            yield part

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if not hasattr(self._source, "__aiter__"):
            for part in self:
                yield part
            return
        self._begin()
        async for part in self._source:
            yield part


async def gathered(stream: Any) -> bytes:
    """Return a whole body."""
    if hasattr(stream, "__aiter__"):
        return b"".join([part async for part in stream])
    return b"".join(stream)


class Chunks:
    """Cuts parts of any length, of bytes or of text, into parts of one length."""

    def __init__(self, size: int | None) -> None:
        if size is not None and size < 1:
            raise ValueError("chunk_size must be at least 1")
        self._size = size
        self._rest: Any = None

    def feed(self, part: Any) -> list[Any]:
        """Return the full parts that are there with one more."""
        if self._size is None:
            return [part] if part else []
        whole = part if self._rest is None else self._rest + part
        full = len(whole) // self._size * self._size
        self._rest = whole[full:]
        return [whole[at : at + self._size] for at in range(0, full, self._size)]

    def rest(self) -> list[Any]:
        """Return what is left at the end."""
        rest, self._rest = self._rest, None
        return [rest] if rest else []


class Lines:
    """Cuts parts of a text into lines, as `str.splitlines` does."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, part: str) -> list[str]:
        """Return the lines that have ended."""
        whole = self._rest + part
        # The end of a line may have two characters, of which one is still to come.
        held = whole[-1:] == "\r"
        lines = (whole[:-1] if held else whole).splitlines(keepends=True)
        tail = "\r" if held else ""
        if lines and not _has_ended(lines[-1]):
            tail = lines.pop() + tail
        elif held and not lines:
            tail = "\r"
        self._rest = tail
        return [line.splitlines()[0] for line in lines]

    def rest(self) -> list[str]:
        """Return the last line."""
        rest, self._rest = self._rest, ""
        return rest.splitlines()


def _has_ended(line: str) -> bool:
    return len(line.splitlines()[0]) < len(line)
