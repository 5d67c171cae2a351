"""What happened, according to a log."""

import re
from collections import Counter
from datetime import datetime
from typing import TypedDict

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SAME = {"WARN": "WARNING", "ERR": "ERROR", "FATAL": "CRITICAL"}
LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)"
    r"[\s\[]+(?P<level>[A-Za-z]+)\b[\s\]:]*(?P<message>.*)"
)
# What differs between two messages of the same kind: ids, numbers, quoted texts.
VARIABLE = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|\b0x[0-9a-f]+\b|\d+(?:[.:]\d+)*|\"[^\"]*\"|'[^']*'",
    re.IGNORECASE,
)


class Group(TypedDict):
    """Messages that differ only in numbers, ids and quoted texts, shown as `#`."""

    level: str
    message: str
    count: int
    first: datetime
    last: datetime


class Summary(TypedDict):
    """What a log holds.

    Attributes:
        lines: How many log lines there are, those with more text below counted once.
        unread: How many lines could not be read and follow no line that could.
        levels: How many lines there are of each level.
        busiest_minute: The minute with the most lines.
        groups: The most frequent messages of the chosen levels.
    """

    lines: int
    unread: int
    levels: dict[str, int]
    busiest_minute: str | None
    groups: list[Group]


async def main(log: str, least_level: str = "WARNING", top: int = 10) -> Summary:
    """Summarise a log: levels, the busiest minute, the most frequent problems.

    Lines begin with date, time and level, as in
    `2026-01-31 12:00:00,123 ERROR cannot open "a.txt"`. Other lines, such as those of a
    traceback, belong to the line before.

    Args:
        log: The text of the log.
        least_level: Group the messages of this level and of those above it.
        top: How many groups of messages to return at most.
    """
    wanted = normal(least_level)
    if wanted is None:
        raise ValueError(f"{least_level!r} is no level: use one of {', '.join(LEVELS)}")
    levels: Counter[str] = Counter()
    minutes: Counter[str] = Counter()
    groups: dict[tuple[str, str], Group] = {}
    unread = 0
    for line in filter(str.strip, log.splitlines()):
        match = LINE.match(line)
        level = normal(match["level"]) if match else None
        if match is None or level is None:
            unread += not levels
            continue
        time = datetime.fromisoformat(match["time"].replace(",", "."))
        levels[level] += 1
        minutes[f"{time:%Y-%m-%d %H:%M}"] += 1
        if LEVELS.index(level) >= LEVELS.index(wanted):
            message = VARIABLE.sub("#", match["message"])
            new = Group(level=level, message=message, count=0, first=time, last=time)
            group = groups.setdefault((level, message), new)
            group["count"] += 1
            group["last"] = time
    ordered = sorted(groups.values(), key=lambda group: -group["count"])
    return {
        "lines": levels.total(),
        "unread": unread,
        "levels": {level: levels[level] for level in LEVELS if level in levels},
        "busiest_minute": max(minutes, key=minutes.__getitem__, default=None),
        "groups": ordered[:top],
    }


def normal(level: str) -> str | None:
    """Return the level by its common name, or nothing where it is none."""
    level = level.upper()
    level = SAME.get(level, level)
    return level if level in LEVELS else None
