"""Finding an hour at which people around the world are all at work."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TypedDict
from zoneinfo import ZoneInfo


@dataclass
class Person:
    """Somebody who should come, and when that person works.

    Attributes:
        name: The person's name.
        zone: The time zone, such as "Europe/Berlin".
        begin: When work begins, in that zone.
        end: When work ends.
    """

    name: str
    zone: ZoneInfo
    begin: time = field(default=time(9))
    end: time = field(default=time(17))

    def __post_init__(self) -> None:
        """Refuse hours that go past midnight."""
        if self.begin >= self.end:
            raise ValueError(f"{self.name} ends work before beginning it")

    def works(self, moment: datetime, length: timedelta) -> bool:
        """Whether the person is at work for the whole meeting."""
        begin = moment.astimezone(self.zone)
        end = (moment + length).astimezone(self.zone)
        same_day = begin.date() == end.date() and begin.weekday() < 5
        return same_day and self.begin <= begin.time() and end.time() <= self.end


class Slot(TypedDict):
    """A possible beginning, in UTC and for everybody."""

    start: datetime
    local: dict[str, str]


class Proposal(TypedDict):
    """All beginnings that suit everybody."""

    slots: list[Slot]


async def main(
    people: list[Person],
    day: date,
    minutes: int = 60,
    *,
    step: int = 30,
    limit: int = 10,
) -> Proposal:
    """Find the times of a day (in UTC) at which a meeting suits everybody.

    A meeting suits whoever is at work, Monday to Friday, from its first to its last
    minute. Daylight saving time is taken care of.

    Args:
        people: Who should come: name, time zone, and working hours if not 9 to 17.
        day: The day, in UTC.
        minutes: The length of the meeting.
        step: How many minutes lie between two proposed beginnings.
        limit: How many beginnings to propose at most.
    """
    if not people:
        raise ValueError("a meeting needs somebody who comes: `people` is empty")
    if minutes < 1 or step < 1:
        raise ValueError("`minutes` and `step` must be at least 1")
    midnight = datetime.combine(day, time(), UTC)
    length = timedelta(minutes=minutes)
    slots: list[Slot] = []
    for offset in range(0, 24 * 60, step):
        start = midnight + timedelta(minutes=offset)
        if len(slots) < limit and all(one.works(start, length) for one in people):
            local = {one.name: f"{start.astimezone(one.zone):%H:%M}" for one in people}
            slots.append({"start": start, "local": local})
    return {"slots": slots}
