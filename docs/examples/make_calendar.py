"""Calendar files that every calendar program opens."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

LINE_BYTES = 75


@dataclass
class Event:
    """An appointment, or a whole day.

    Attributes:
        title: What it is.
        start: When it begins: a time with its zone, or a date for a whole day.
        length: How long it takes, such as "PT45M" or "P2D".
        place: Where it is.
        notes: What else there is to say.
        remind: How long before it a reminder comes, such as "PT15M".
    """

    title: str
    start: date | datetime
    length: timedelta = field(default=timedelta(hours=1))
    place: str = ""
    notes: str = ""
    remind: timedelta | None = None


async def main(
    events: Annotated[list[Event], "The appointments that the file holds"],
    name: Annotated[str, "The name of the calendar"] = "Calendar",
    made: Annotated[datetime | None, "When the file is made; now by default"] = None,
) -> str:
    """Write an iCalendar file (.ics) for Outlook, Google, Apple and others.

    Times are written in UTC; one without a zone stays the local time of whoever opens
    the file. The same event gets the same identifier each time, so that a second
    import changes it instead of adding it again.
    """
    if not events:
        raise ValueError("a calendar needs at least one event")
    stamp = moment(made or datetime.now(UTC))
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//calendar//EN"]
    lines.append(f"X-WR-CALNAME:{escaped(name)}")
    for event in events:
        lines += written(event, stamp)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded(line)}\r\n" for line in lines)


def written(event: Event, stamp: str) -> list[str]:
    """Return the lines of one event."""
    start = event.start
    if isinstance(start, datetime):
        begin, end = f":{moment(start)}", f":{moment(start + event.length)}"
    else:
        days = timedelta(days=max(1, event.length.days))
        begin, end = (f";VALUE=DATE:{day:%Y%m%d}" for day in (start, start + days))
    identity = uuid.uuid5(
        uuid.NAMESPACE_URL, f"event:{event.title}:{start.isoformat()}"
    )
    lines = ["BEGIN:VEVENT", f"UID:{identity}", f"DTSTAMP:{stamp}"]
    lines += [f"DTSTART{begin}", f"DTEND{end}", f"SUMMARY:{escaped(event.title)}"]
    if event.place:
        lines.append(f"LOCATION:{escaped(event.place)}")
    if event.notes:
        lines.append(f"DESCRIPTION:{escaped(event.notes)}")
    if event.remind is not None:
        minutes = int(event.remind.total_seconds()) // 60
        lines += [
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            f"DESCRIPTION:{escaped(event.title)}",
        ]
        lines += [f"TRIGGER:-PT{minutes}M", "END:VALARM"]
    return [*lines, "END:VEVENT"]


def moment(time: datetime) -> str:
    """Write a time in UTC, or as it is where its zone is not known."""
    if time.tzinfo is None:
        return f"{time:%Y%m%dT%H%M%S}"
    return f"{time.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def escaped(text: str) -> str:
    """Protect the characters that mean something in the file."""
    for character in "\\;,":
        text = text.replace(character, f"\\{character}")
    return "\\n".join(text.splitlines())


def folded(line: str) -> str:
    """Break a line into pieces of at most 75 bytes, never within a character."""
    pieces = [""]
    for character in line:
        # The space that begins the next piece counts too.
        room = LINE_BYTES if len(pieces) == 1 else LINE_BYTES - 1
        if len((pieces[-1] + character).encode()) > room:
            pieces.append("")
        pieces[-1] += character
    return "\r\n ".join(pieces)
