"""Finds people and dates in a text: about what a model writes for such a request."""

import re
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date
from urllib.parse import urlencode

ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]*\w")
DAY = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")


@dataclass
class Found:
    """What one text holds."""

    addresses: list[str]
    days: list[date]
    words: dict[str, int]
    query: str


def days_of(text: str) -> list[date]:
    """Return the dates in ISO form, in order."""
    return sorted(date(int(year), int(month), int(day)) for year, month, day in DAY.findall(text))


def words_of(text: str, most: int) -> dict[str, int]:
    """Count the words of four letters and more."""
    words = re.findall(r"[a-z]{4,}", text.lower())
    return dict(sorted(Counter(words).most_common(most)))


async def main(text: str, most: int = 3) -> dict:
    """Find addresses, dates and the most frequent words.

    Args:
        text: What to search.
        most: How many words to return.
    """
    addresses = sorted({address.lower() for address in ADDRESS.findall(text)})
    query = urlencode({"to": ",".join(addresses), "count": len(addresses)})
    found = Found(addresses, days_of(text), words_of(text, most), query)
    return {**asdict(found), "weekdays": [day.strftime("%A") for day in found.days]}
