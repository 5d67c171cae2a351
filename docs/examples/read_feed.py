"""News feeds, RSS 2.0 and Atom, as plain data."""

import html
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypedDict
from xml.etree import ElementTree

ATOM = "{http://www.w3.org/2005/Atom}"


class Entry(TypedDict):
    """One article of the feed."""

    title: str
    link: str | None
    published: datetime | None
    summary: str


class Feed(TypedDict):
    """A feed and its newest articles."""

    title: str
    format: str
    entries: list[Entry]


async def main(
    xml: str, limit: int = 20, since: datetime | None = None, summary_length: int = 200
) -> Feed:
    """Read an RSS or Atom feed: title, link, time and summary of its articles.

    The newest articles come first; those without a time come last.

    Args:
        xml: The feed's XML text.
        limit: How many articles to return at most.
        since: Leave out articles that are older, such as "2026-01-31T00:00:00Z".
        summary_length: Cut summaries to so many characters; HTML is removed first.
    """
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise ValueError(f"this is not well-formed XML: {error}") from None
    if root.tag == "rss" and (channel := root.find("channel")) is not None:
        title, kind = channel.findtext("title", ""), "rss"
        entries = [rss_entry(item) for item in channel.iter("item")]
    elif root.tag == f"{ATOM}feed":
        title, kind = root.findtext(f"{ATOM}title", ""), "atom"
        entries = [atom_entry(item) for item in root.iter(f"{ATOM}entry")]
    else:
        raise ValueError(f"expected an RSS 2.0 or Atom feed, got <{root.tag}>")

    if since is not None:
        since = in_utc(since)
        entries = [entry for entry in entries if (entry["published"] or since) >= since]
    oldest = datetime.min.replace(tzinfo=UTC)
    entries.sort(key=lambda entry: entry["published"] or oldest, reverse=True)
    for entry in entries:
        entry["summary"] = plain(entry["summary"], summary_length)
    return {"title": plain(title), "format": kind, "entries": entries[:limit]}


def rss_entry(item: ElementTree.Element) -> Entry:
    """Read an `<item>`; its time is written as in e-mail."""
    date = item.findtext("pubDate")
    return {
        "title": plain(item.findtext("title", "")),
        "link": item.findtext("link"),
        "published": in_utc(parsedate_to_datetime(date)) if date else None,
        "summary": item.findtext("description", ""),
    }


def atom_entry(item: ElementTree.Element) -> Entry:
    """Read an `<entry>`; its time is written in ISO 8601."""
    date = item.findtext(f"{ATOM}published") or item.findtext(f"{ATOM}updated")
    links = {link.get("rel", "alternate"): link for link in item.iter(f"{ATOM}link")}
    link = links.get("alternate")
    summary = item.findtext(f"{ATOM}summary") or item.findtext(f"{ATOM}content", "")
    return {
        "title": plain(item.findtext(f"{ATOM}title", "")),
        "link": None if link is None else link.get("href"),
        "published": in_utc(datetime.fromisoformat(date.strip())) if date else None,
        "summary": summary,
    }


def in_utc(time: datetime) -> datetime:
    """Return the time in UTC, which is meant where no zone is given."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def plain(text: str, length: int | None = None) -> str:
    """Take HTML out of a text and cut it at a space."""
    text = html.unescape(re.sub(r"<[^>]*>", " ", text))
    text = " ".join(text.split())
    if length is None or len(text) <= length:
        return text
    return text[:length].rpartition(" ")[0] + " …"
