"""Looking into compressed files without being flooded by them."""

import io
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

# Unpack no more than this, whatever a file promises.
UNPACKED_MAX = 10 * 1024 * 1024


@dataclass
class Entry:
    """One file of an archive."""

    name: str
    size: int
    packed: int
    modified: datetime
    encrypted: bool


@dataclass
class Archive:
    """What an archive holds.

    Attributes:
        kind: The format, recognised by its first bytes.
        size: The size of everything in it, unpacked.
        ratio: How many times smaller it is packed.
        entries: Its files; empty for gzip, which holds just one.
        preview: The beginning of the file that was asked for, as text.
    """

    kind: Literal["zip", "gzip"]
    size: int
    ratio: float
    entries: list[Entry] = field(default_factory=list)
    preview: str | None = None


async def main(data: bytes, read: str | None = None, length: int = 500) -> Archive:
    """List what a ZIP or gzip file holds, and read one of its files.

    Args:
        data: The file, as base64.
        read: The name of a file in a ZIP archive to show the beginning of.
        length: How many characters of it to show.
    """
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return of_zip(data, read, length)
    if data.startswith(b"\x1f\x8b"):
        return of_gzip(data, length)
    start = data[:4].hex(" ") or "nothing"
    raise ValueError(f"neither ZIP nor gzip: the file begins with {start}")


def of_zip(data: bytes, read: str | None, length: int) -> Archive:
    """Describe a ZIP archive."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as error:
        raise ValueError(f"the ZIP archive is damaged: {error}") from None
    found = archive.infolist()
    entries = [
        Entry(
            name=one.filename,
            size=one.file_size,
            packed=one.compress_size,
            modified=datetime(*one.date_time),
            encrypted=bool(one.flag_bits & 1),
        )
        for one in found
    ]
    preview = None
    if read is not None:
        if read not in archive.namelist():
            raise ValueError(f"{read!r} is not in it: {', '.join(archive.namelist())}")
        with archive.open(read) as file:
            preview = text(file.read(4 * length), length)
    size = sum(one.file_size for one in found)
    return Archive("zip", size, ratio(size, len(data)), entries, preview)


def of_gzip(data: bytes, length: int) -> Archive:
    """Describe a gzip file, unpacked up to a limit."""
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = unpacker.decompress(data, UNPACKED_MAX)
    except zlib.error as error:
        raise ValueError(f"the gzip file is damaged: {error}") from None
    if not unpacker.eof:
        state = "is longer" if unpacker.unconsumed_tail else "breaks off early"
        raise ValueError(
            f"after {len(content):,} bytes unpacked, the gzip file {state}"
        )
    size = len(content)
    return Archive("gzip", size, ratio(size, len(data)), preview=text(content, length))


def ratio(size: int, packed: int) -> float:
    """Return how many times smaller the archive is than its content."""
    return round(size / packed, 2)


def text(content: bytes, length: int) -> str:
    """Decode the beginning of a file; what is no text shows as `�`."""
    return content[: 4 * length].decode(errors="replace")[:length]
