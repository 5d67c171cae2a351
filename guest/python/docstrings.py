"""Docstrings: what is said about a function and about each of its parameters.

The styles of Google, NumPy and reST are read.
"""

import inspect
import re

# The parameters' sections, in Google's style with a colon and in NumPy's underlined.
PARAMETERS = frozenset(
    (
        "args|arguments|attributes|keyword args|keyword arguments|other parameters|"
        "parameters|params"
    ).split("|")
)
OTHERS = frozenset(
    (
        "example|examples|note|notes|raises|references|return|returns|see also|todo|"
        "warning|warnings|warns|yield|yields"
    ).split("|")
)
GOOGLE_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")
NUMPY_ENTRY = re.compile(r"(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?")
REST_ENTRY = re.compile(
    r":(?:param|parameter|arg|argument|key|keyword)\s+(?:.*\s)?\*{0,2}(\w+)\s*:\s*(.*)"
)
REST_FIELD = re.compile(r":\w+[^:]*:")


def parse(docstring: str | None) -> tuple[str | None, dict[str, str]]:
    """Return the text before the first section, and the texts of the parameters."""
    if not docstring:
        return None, {}
    lines = inspect.cleandoc(docstring).splitlines()
    text: list[str] = []
    parameters: dict[str, str] = {}
    index = 0
    before = True
    while index < len(lines):
        section, begin = _section(lines, index)
        if section is None and REST_FIELD.match(lines[index]) is None:
            if before:
                text.append(lines[index])
            index += 1
            continue
        before = False
        if section is None:
            index = _rest_field(lines, index, parameters)
            continue
        end = _end(lines, begin, numpy=begin == index + 2)
        if section in PARAMETERS:
            read = _numpy if begin == index + 2 else _google
            read(lines[begin:end], parameters)
        index = end
    return "\n".join(text).strip() or None, parameters


def _section(lines: list[str], index: int) -> tuple[str | None, int]:
    """Return the name of the section that a line begins, and the index of its first line."""
    line = lines[index].strip()
    name = line.removesuffix(":").lower()
    if name not in PARAMETERS and name not in OTHERS:
        return None, index
    if index + 1 < len(lines) and re.fullmatch(r"-{3,}|={3,}", lines[index + 1].strip()):
        return name, index + 2
    if line.endswith(":"):
        return name, index + 1
    return None, index


def _end(lines: list[str], begin: int, *, numpy: bool) -> int:
    """Return the index after a section, which in Google's style ends with its indent."""
    for index in range(begin, len(lines)):
        if _section(lines, index)[0] is not None:
            return index
        if not numpy and lines[index].strip() and not lines[index].startswith((" ", "\t")):
            return index
    return len(lines)


def _google(lines: list[str], parameters: dict[str, str]) -> None:
    _entries(inspect.cleandoc("\n" + "\n".join(lines)).splitlines(), GOOGLE_ENTRY, parameters)


def _numpy(lines: list[str], parameters: dict[str, str]) -> None:
    _entries(lines, NUMPY_ENTRY, parameters)


def _entries(lines: list[str], pattern: re.Pattern[str], parameters: dict[str, str]) -> None:
    """Read entries that begin at the margin and go on indented."""
    names: list[str] = []
    for line in lines:
        match = pattern.fullmatch(line) if line[:1].strip() else None
        if match is not None:
            names = [name.strip().lstrip("*") for name in match[1].split(",")]
            _add(parameters, names, match[2] if pattern.groups > 1 else "")
        elif line.strip():
            _add(parameters, names, line.strip())


def _rest_field(lines: list[str], index: int, parameters: dict[str, str]) -> int:
    """Read one field with the lines that continue it; return the index after it."""
    match = REST_ENTRY.match(lines[index])
    names = [match[1]] if match else []
    if match:
        _add(parameters, names, match[2])
    index += 1
    while index < len(lines) and lines[index].startswith((" ", "\t")):
        _add(parameters, names, lines[index].strip())
        index += 1
    return index


def _add(parameters: dict[str, str], names: list[str], text: str) -> None:
    for name in names:
        parameters[name] = f"{parameters.get(name, '')} {text}".strip()
