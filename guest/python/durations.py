"""ISO 8601 durations, such as `P1DT2H30M`."""

import datetime
import re

PATTERN = re.compile(
    r"(?P<sign>[+-]?)P(?!$)(?:(?P<weeks>\d+(?:\.\d+)?)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?!$)(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def duration_text(value: datetime.timedelta) -> str:
    """Write a duration with days and seconds."""
    sign = "-" if value < datetime.timedelta() else ""
    value = abs(value)
    text = f"{sign}P{value.days}D" if value.days else f"{sign}P"
    if value.seconds or value.microseconds or not value.days:
        seconds = str(value.seconds)
        if value.microseconds:
            seconds += f".{value.microseconds:06}".rstrip("0")
        text += f"T{seconds}S"
    return text


def parse_duration(text: str) -> datetime.timedelta:
    """Read a duration; `ValueError` where it is none.

    Years and months are refused: they have no fixed length.
    """
    match = PATTERN.fullmatch(text)
    if match is None:
        message = "not an ISO 8601 duration"
        raise ValueError(message)
    parts = {
        name: float(part) for name, part in match.groupdict().items() if name != "sign" and part
    }
    length = datetime.timedelta(**parts)
    return -length if match["sign"] == "-" else length
