"""Time zones: the files of the package tzdata, held in memory because there is no file system.

`zoneinfo` finds them in every call. Packages of a set read them as the files of `tzdata`.
"""

import io
import sys
import zoneinfo
import zoneinfo._common
from pathlib import Path

import tzdata

from . import packages

ZONES: dict[str, bytes] = {}


def _read() -> None:
    """Read all zones, the list of them, and the modules beside them."""
    folder = Path(tzdata.__file__).parent
    files = {}
    for path in folder.rglob("*"):
        if path.is_file():
            content, name = path.read_bytes(), path.relative_to(folder).as_posix()
            if content.startswith(b"TZif"):
                ZONES[name.removeprefix("zoneinfo/")] = content
            elif path.suffix != ".py" and name != "zones":
                continue
            files[f"tzdata/{name}"] = content
    packages.provide(files)
    # Its files are gone after the snapshot; in a set it is found as packages are.
    del sys.modules["tzdata"]


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
