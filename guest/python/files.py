"""The files of packages: read-only, in memory, below a folder that is nowhere else."""

import builtins
import errno
import importlib.metadata
import importlib.resources.abc
import io
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = "/packages"

_content: dict[str, bytes] = {}
# Folders with the names in them.
_folders: dict[str, set[str]] = {}


def add(content: dict[str, bytes], modules: Iterable[str]) -> None:
    """Add files; of modules only the names, as their source is not kept."""
    for path, data in content.items():
        _content[f"{ROOT}/{path}"] = data
    for path in [*content, *modules]:
        place = f"{ROOT}/{path}"
        while place != ROOT:
            folder, _, name = place.rpartition("/")
            _folders.setdefault(folder, set()).add(name)
            place = folder


def is_folder(path: str) -> bool:
    """Whether there is such a folder."""
    return path in _folders


def is_named(path: str) -> bool:
    """Whether there is such a file, a module without its source included."""
    folder, _, name = path.rpartition("/")
    return name in _folders.get(folder, ())


def read(path: Any) -> bytes:
    """Return a file's content."""
    place = _normal(path) or ""
    found = _content.get(place)
    if place in _folders:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return found


def _normal(path: Any) -> str | None:
    """Return where a path leads to below the root; nothing for other paths."""
    try:
        text = os.fspath(path)
    except TypeError:
        return None
    if not isinstance(text, str) or not text.startswith(ROOT):
        return None
    normal = os.path.normpath(text)
    return normal if normal == ROOT or normal.startswith(f"{ROOT}/") else None


def install() -> None:
    """Let the functions that read files find these."""
    opening, statting = io.open, os.stat
    listing, scanning = os.listdir, os.scandir

    def open(file: Any, mode: str = "r", *given: Any, **named: Any) -> Any:  # noqa: A001
        path = _normal(file)
        if path is None:
            return opening(file, mode, *given, **named)
        return _opened(path, mode, *given, **named)

    def status(path: Any, *given: Any, **named: Any) -> os.stat_result:
        place = _normal(path)
        return statting(path, *given, **named) if place is None else _status(place)

    def listdir(path: Any = ".") -> list[Any]:
        place = _normal(path)
        if place is None:
            return listing(path)
        if place not in _folders:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return sorted(_folders[place])

    def scandir(path: Any = ".") -> Any:
        place = _normal(path)
        if place is None:
            return scanning(path)
        if place not in _folders:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return Entries(place)

    io.open = builtins.open = open
    os.stat = os.lstat = status
    os.listdir, os.scandir = listdir, scandir


def _opened(  # noqa: PLR0913, PLR0917, as what it stands for has them
    path: str,
    mode: str,
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    **rest: Any,
) -> Any:
    del buffering, rest
    if set(mode) & set("wax+"):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    content = io.BytesIO(read(path))
    if "b" in mode:
        return content
    return io.TextIOWrapper(content, encoding or "utf-8", errors, newline)


def _status(path: str) -> os.stat_result:
    if path in _folders:
        kind, size = stat.S_IFDIR | 0o555, 0
    else:
        kind, size = stat.S_IFREG | 0o444, len(read(path))
    return os.stat_result((kind, 0, 0, 1, 0, 0, size, 0, 0, 0))


class Entries:
    """What `os.scandir` finds in a folder."""

    def __init__(self, folder: str) -> None:
        self._entries = iter([Entry(folder, name) for name in sorted(_folders[folder])])

    def __iter__(self) -> Entries:
        """Go through them."""
        return self

    def __next__(self) -> Entry:
        """Return the next one."""
        return next(self._entries)

    def __enter__(self) -> Entries:
        """Begin to use them."""
        return self

    def __exit__(self, *error: object) -> None:
        """End."""

    def close(self) -> None:
        """End."""


class Entry:
    """A file or a folder that `os.scandir` has found."""

    def __init__(self, folder: str, name: str) -> None:
        self.name = name
        self.path = f"{folder}/{name}"

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a folder."""
        del follow_symlinks
        return self.path in _folders

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a file."""
        return not self.is_dir(follow_symlinks=follow_symlinks)

    def is_symlink(self) -> bool:
        """Whether it leads elsewhere; none does."""
        return False

    def is_junction(self) -> bool:
        """Whether it leads elsewhere; none does."""
        return False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return what there is to know of it."""
        del follow_symlinks
        return _status(self.path)

    def inode(self) -> int:
        """Return a number that means nothing here."""
        return 0

    def __fspath__(self) -> str:
        """Return where it is."""
        return self.path


class Resources(importlib.resources.abc.TraversableResources):
    """The files of one package."""

    def __init__(self, path: str) -> None:
        self._path = path

    def files(self) -> Path:
        """Return the package's folder."""
        return Path(self._path)


class Installed(importlib.metadata.Distribution):
    """What a package says of itself."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def read_text(self, filename: str) -> str | None:
        """Return a file of the metadata."""
        found = _content.get(f"{self._folder}/{filename}")
        return None if found is None else found.decode("utf-8", "replace")

    def locate_file(self, path: Any) -> Any:
        """Return where a file of the package is."""
        return Path(f"{ROOT}/{path}")


def distributions(context: Any) -> Iterator[Installed]:
    """Find the metadata of the package that a context names, or of all."""
    wanted = None if context is None else getattr(context, "name", None)
    for name in sorted(_folders.get(ROOT, ())):
        if name.endswith(".dist-info"):
            found = Installed(f"{ROOT}/{name}")
            if wanted is None or _plain(found.metadata["Name"]) == _plain(wanted):
                yield found


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


class Listing:
    """What `pkgutil` lists the modules of a folder with."""

    def __init__(self, path: str) -> None:
        if not is_folder(path):
            raise ImportError(path)
        self._path = path

    def find_spec(self, fullname: str, target: Any = None) -> None:
        """Leave finding to the finder of all packages."""
        del fullname, target

    def iter_modules(self, prefix: str = "") -> Iterator[tuple[str, bool]]:
        """Return the names of modules, and whether each is a package."""
        for name in sorted(_folders[self._path]):
            within = _folders.get(f"{self._path}/{name}", ())
            if name.endswith(".py") and name != "__init__.py":
                yield prefix + name.removesuffix(".py"), False
            elif "__init__.py" in within:
                yield prefix + name, True
