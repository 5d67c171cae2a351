"""Counting and adding working days."""

from datetime import date, timedelta
from enum import StrEnum, auto
from typing import TypedDict

DAY = timedelta(days=1)


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = auto()
    TUESDAY = auto()
    WEDNESDAY = auto()
    THURSDAY = auto()
    FRIDAY = auto()
    SATURDAY = auto()
    SUNDAY = auto()


class Period(TypedDict):
    """A stretch of days.

    Attributes:
        start: The first day.
        end: The last day.
        working_days: How many working days there are, first and last day included.
        days_off: Holidays in between that fall on what would be a working day.
    """

    start: date
    end: date
    working_days: int
    days_off: list[date]


async def main(
    start: date,
    end: date | None = None,
    add: int | None = None,
    holidays: frozenset[date] = frozenset(),
    weekend: frozenset[Weekday] = frozenset({Weekday.SATURDAY, Weekday.SUNDAY}),
) -> Period:
    """Count the working days between two dates, or find the date some of them later.

    Give either `end` or `add`. With `add=1` the answer ends on the first working day
    after `start`.

    Args:
        start: The first day, such as "2026-01-31".
        end: The last day: the working days between the two are counted.
        add: The number of working days after `start`: their last one is found.
        holidays: Days on which nobody works.
        weekend: The days of the week on which nobody works.
    """
    closed = {list(Weekday).index(day) for day in weekend}
    if len(closed) == len(Weekday):
        raise ValueError("the weekend covers the whole week: nobody ever works")
    match end, add:
        case date(), None if end >= start:
            pass
        case date(), None:
            raise ValueError(f"the end, {end}, lies before the start, {start}")
        case None, int() if 0 < add <= 10_000:
            end = start
            while add:
                end += DAY
                add -= end.weekday() not in closed and end not in holidays
        case None, int():
            raise ValueError("between 1 and 10,000 working days can be added")
        case _:
            raise ValueError("give either `end` or `add`, and not both")
    days = [start + DAY * number for number in range((end - start).days + 1)]
    weekdays = [day for day in days if day.weekday() not in closed]
    off = [day for day in weekdays if day in holidays]
    working = len(weekdays) - len(off)
    return {"start": start, "end": end, "working_days": working, "days_off": off}
