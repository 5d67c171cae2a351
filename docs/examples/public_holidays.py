"""Public holidays, the movable ones too."""

import calendar
from datetime import date, timedelta
from typing import Literal

FIRST_YEAR, LAST_YEAR = 2021, 2099


async def main(year: int, country: Literal["DE", "FR", "US"] = "DE") -> dict[date, str]:
    """List the public holidays of a year, by date.

    Only what is a holiday in the whole country is listed: the German and French days
    are those of every state and department, the American ones those of federal law.

    :param year: The year, from 2021 on.
    :param country: The country: Germany, France or the United States.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"the rules here hold from {FIRST_YEAR} to {LAST_YEAR}")
    match country:
        case "DE":
            days = german(year)
        case "FR":
            days = french(year)
        case "US":
            days = american(year)
    holidays: dict[date, str] = {}
    for name, day in sorted(days.items(), key=lambda item: item[1]):
        # Two may fall on one day, such as Ascension on the eighth of May.
        holidays[day] = f"{holidays[day]}, {name}" if day in holidays else name
    return holidays


def easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (computus after Meeus)."""
    century, rest = divmod(year, 100)
    moon = (
        19 * (year % 19)
        + century
        - century // 4
        - (century - (century + 8) // 25 + 1) // 3
        + 15
    ) % 30
    sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (year % 19 + 11 * moon + 22 * sunday) // 451
    month, day = divmod(moon + sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def german(year: int) -> dict[str, date]:
    """The holidays of all German states."""
    sunday = easter(year)
    return {
        "Neujahr": date(year, 1, 1),
        "Karfreitag": sunday - timedelta(days=2),
        "Ostermontag": sunday + timedelta(days=1),
        "Tag der Arbeit": date(year, 5, 1),
        "Christi Himmelfahrt": sunday + timedelta(days=39),
        "Pfingstmontag": sunday + timedelta(days=50),
        "Tag der Deutschen Einheit": date(year, 10, 3),
        "1. Weihnachtstag": date(year, 12, 25),
        "2. Weihnachtstag": date(year, 12, 26),
    }


def french(year: int) -> dict[str, date]:
    """The holidays of the French labour code."""
    sunday = easter(year)
    return {
        "Jour de l'an": date(year, 1, 1),
        "Lundi de Pâques": sunday + timedelta(days=1),
        "Fête du Travail": date(year, 5, 1),
        "Victoire 1945": date(year, 5, 8),
        "Ascension": sunday + timedelta(days=39),
        "Lundi de Pentecôte": sunday + timedelta(days=50),
        "Fête nationale": date(year, 7, 14),
        "Assomption": date(year, 8, 15),
        "Toussaint": date(year, 11, 1),
        "Armistice 1918": date(year, 11, 11),
        "Noël": date(year, 12, 25),
    }


def american(year: int) -> dict[str, date]:
    """The yearly holidays of federal law, not moved where they fall on a weekend."""
    return {
        "New Year's Day": date(year, 1, 1),
        "Birthday of Martin Luther King, Jr.": nth(year, 1, calendar.MONDAY, 3),
        "Washington's Birthday": nth(year, 2, calendar.MONDAY, 3),
        "Memorial Day": nth(year, 5, calendar.MONDAY, -1),
        "Juneteenth": date(year, 6, 19),
        "Independence Day": date(year, 7, 4),
        "Labor Day": nth(year, 9, calendar.MONDAY, 1),
        "Columbus Day": nth(year, 10, calendar.MONDAY, 2),
        "Veterans Day": date(year, 11, 11),
        "Thanksgiving Day": nth(year, 11, calendar.THURSDAY, 4),
        "Christmas Day": date(year, 12, 25),
    }


def nth(year: int, month: int, weekday: int, number: int) -> date:
    """Return the n-th such weekday of a month; -1 is the last one."""
    weeks = calendar.monthcalendar(year, month)
    days = [week[weekday] for week in weeks if week[weekday]]
    return date(year, month, days[number if number < 0 else number - 1])
