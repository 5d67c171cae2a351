"""When a cron job will run."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypedDict
from zoneinfo import ZoneInfo

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()
SHORTCUTS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
# Leap years are at most eight years apart.
DAYS_SEARCHED = 8 * 366


class Field:
    """One of the five fields: the numbers that it names."""

    def __init__(
        self, name: str, text: str, low: int, high: int, names: list[str]
    ) -> None:
        """Read lists, ranges and steps, such as `1,5-9` or `*/15`."""
        self.every = text.startswith("*")
        self.numbers: set[int] = set()
        for part in text.lower().split(","):
            span, _, step = part.partition("/")
            first, _, last = span.partition("-")
            try:
                begin = low if first == "*" else number(first, names, low)
                end = begin if not (step or first == "*") else high
                end = number(last, names, low) if last else end
                stride = int(step or 1)
            except ValueError:
                raise ValueError(f"the {name} {text!r} cannot be read") from None
            if not (low <= begin <= end <= high and stride > 0):
                raise ValueError(
                    f"the {name} {text!r} must lie within {low} and {high}"
                )
            self.numbers.update(range(begin, end + 1, stride))


def number(text: str, names: list[str], low: int) -> int:
    """Read a number, or the name that stands for it."""
    return names.index(text) + low if text in names else int(text)


class Schedule(TypedDict):
    """The next times at which the job runs."""

    runs: list[datetime]


async def main(
    expression: str,
    count: int = 5,
    zone: ZoneInfo = ZoneInfo("UTC"),  # noqa: B008
    after: datetime | None = None,
) -> Schedule:
    """Say when a cron expression fires next.

    The five fields are minute, hour, day of the month, month and day of the week
    (0 or 7 is Sunday). Where both kinds of day are limited, either is enough. Times
    that a change to daylight saving time leaves out are left out.

    Args:
        expression: The expression, such as "*/15 9-17 * * mon-fri" or "@daily".
        count: How many times to return.
        zone: The time zone that the expression is meant in.
        after: Begin after this time instead of now.
    """
    fields = SHORTCUTS.get(expression.strip(), expression).split()
    if len(fields) != 5:
        raise ValueError(f"an expression has 5 fields, this one has {len(fields)}")
    if not 1 <= count <= 1000:
        raise ValueError("between 1 and 1000 times can be asked for")
    now = datetime.now(zone) if after is None else after
    now = now.replace(tzinfo=zone) if now.tzinfo is None else now.astimezone(zone)
    runs: list[datetime] = []
    for time in times(fields, now):
        if len(runs) == count:
            break
        if time > now:
            runs.append(time)
    if not runs:
        raise ValueError(f"{expression!r} names a day that never comes")
    return {"runs": runs}


def times(fields: list[str], begin: datetime) -> Iterator[datetime]:
    """Yield the times of all days from that of `begin`."""
    minute = Field("minute", fields[0], 0, 59, [])
    hour = Field("hour", fields[1], 0, 23, [])
    day = Field("day of the month", fields[2], 1, 31, [])
    month = Field("month", fields[3], 1, 12, MONTHS)
    weekday = Field("day of the week", fields[4], 0, 7, DAYS)
    weekdays = {one % 7 for one in weekday.numbers}
    for offset in range(DAYS_SEARCHED):
        date = begin.date() + timedelta(days=offset)
        in_month = date.day in day.numbers
        in_week = date.isoweekday() % 7 in weekdays
        either = not (day.every or weekday.every)
        fits = (in_month or in_week) if either else (in_month and in_week)
        if date.month not in month.numbers or not fits:
            continue
        for hours in sorted(hour.numbers):
            for minutes in sorted(minute.numbers):
                time = datetime(
                    *date.timetuple()[:3], hours, minutes, tzinfo=begin.tzinfo
                )
                # A local time that does not exist comes back from UTC as another one.
                there_and_back = datetime.fromtimestamp(time.timestamp(), begin.tzinfo)
                if there_and_back.hour == hours:
                    yield time
