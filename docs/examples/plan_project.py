"""The plan of a project: what follows what, and what must not be late."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from graphlib import CycleError, TopologicalSorter
from typing import TypedDict


@dataclass
class Task:
    """A piece of work.

    Attributes:
        name: Its name.
        days: How many days it takes.
        after: The names of the tasks that have to be finished before.
    """

    name: str
    days: int
    after: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse work that takes no time."""
        if self.days < 1:
            raise ValueError(f"{self.name!r} must take at least 1 day")


class Step(TypedDict):
    """A task with its dates.

    Attributes:
        name: The task's name.
        start: Its first day, if nothing before it is late.
        end: Its last day.
        slack: How many days it may be late without delaying the end.
    """

    name: str
    start: date
    end: date
    slack: int


class Plan(TypedDict):
    """A schedule.

    Attributes:
        end: The last day of the project.
        days: How many days it takes.
        critical: The tasks that delay the end when they are late, in order.
        steps: All tasks by their first day.
        chart: The steps as bars, for a fixed-width font.
    """

    end: date
    days: int
    critical: list[str]
    steps: list[Step]
    chart: str


async def main(tasks: list[Task], start: date) -> Plan:
    """Plan a project: the earliest dates of its tasks and its critical path.

    Args:
        tasks: The tasks, in any order.
        start: The first day.
    """
    if not tasks:
        raise ValueError("a project needs at least one task")
    by_name = {task.name: task for task in tasks}
    if len(by_name) < len(tasks):
        raise ValueError("two tasks have the same name")
    for task in tasks:
        for name in task.after:
            if name not in by_name:
                raise ValueError(
                    f"{task.name!r} comes after {name!r}, which is no task"
                )
    try:
        order = list(
            TopologicalSorter({one.name: one.after for one in tasks}).static_order()
        )
    except CycleError as error:
        raise ValueError(
            f"tasks wait for each other: {' → '.join(error.args[1])}"
        ) from None

    begins: dict[str, int] = {}
    for name in order:
        before = by_name[name].after
        begins[name] = max(
            (begins[one] + by_name[one].days for one in before), default=0
        )
    days = max(begins[name] + by_name[name].days for name in order)
    latest = dict.fromkeys(order, days)
    for name in reversed(order):
        for one in by_name[name].after:
            latest[one] = min(latest[one], latest[name] - by_name[name].days)

    names = sorted(order, key=lambda name: (begins[name], latest[name], name))
    steps: list[Step] = [
        {
            "name": name,
            "start": start + timedelta(days=begins[name]),
            "end": start + timedelta(days=begins[name] + by_name[name].days - 1),
            "slack": latest[name] - begins[name] - by_name[name].days,
        }
        for name in names
    ]
    width = max(map(len, names))
    bars = [
        f"{name:{width}} {'·' * begins[name]}{'█' * by_name[name].days}".ljust(
            width + 1 + days, "·"
        )
        for name in names
    ]
    return {
        "end": start + timedelta(days=days - 1),
        "days": days,
        "critical": [step["name"] for step in steps if step["slack"] == 0],
        "steps": steps,
        "chart": "\n".join(bars),
    }
