"""Time zones: the files of the package tzdata, held in memory because there is no file system."""

import io
import zoneinfo
import zoneinfo._common
from pathlib import Path

import tzdata

ZONES: dict[str, bytes] = {}


def _read() -> None:
    folder = Path(tzdata.__file__).parent / "zoneinfo"
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if content.startswith(b"TZif"):
                ZONES[path.relative_to(folder).as_posix()] = content


def _load(key: str) -> io.BytesIO:
    content = ZONES.get(key)
    if content is None:
        raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {key}")
    return io.BytesIO(content)


def install() -> None:
    """Read all zones, and let `zoneinfo` find them."""
    _read()
    zoneinfo._common.load_tzdata = _load
    zoneinfo.available_timezones = lambda: set(ZONES)
