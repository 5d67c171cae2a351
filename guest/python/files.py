"""The files of packages: read-only, in memory, below a folder that is nowhere else."""

import builtins
import errno
import importlib.metadata
import importlib.resources.abc
import io
import os
import stat
from collections.abc import Iterable, Iterator
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


def read(path: Any) -> bytes:
    """Return a file's content."""
    found = _content.get(_normal(path) or "")
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
    opening, statting, listing = io.open, os.stat, os.listdir

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

    io.open = builtins.open = open
    os.stat = os.lstat = status
    os.listdir = listdir


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


class Place(importlib.resources.abc.Traversable):
    """A file or a folder, for `importlib.resources`."""

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self._path.rpartition("/")[2]

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self._path in _folders

    def is_file(self) -> bool:
        """Whether it is a file."""
        return self._path in _content

    def iterdir(self) -> Iterator[Place]:
        """Return what is in the folder."""
        return (Place(f"{self._path}/{name}") for name in sorted(_folders.get(self._path, ())))

    def joinpath(self, *parts: str) -> Place:
        """Return a place below."""
        return Place(os.path.normpath("/".join([self._path, *parts])))

    __truediv__ = joinpath

    def open(self, mode: str = "r", *given: Any, **named: Any) -> Any:
        """Open the file for reading."""
        return _opened(self._path, mode, -1, *given, **named)

    def read_bytes(self) -> bytes:
        """Return the file's content."""
        return read(self._path)

    def read_text(self, encoding: str | None = None) -> str:
        """Return the file's text."""
        return read(self._path).decode(encoding or "utf-8")

    def __str__(self) -> str:
        """Return the path."""
        return self._path


class Resources(importlib.resources.abc.TraversableResources):
    """The files of one package."""

    def __init__(self, path: str) -> None:
        self._path = path

    def files(self) -> Place:
        """Return the package's folder."""
        return Place(self._path)


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
        return Place(f"{ROOT}/{path}")


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


class Entry:
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
