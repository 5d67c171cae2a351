"""What is new in several news feeds, RSS 2.0 and Atom."""

# mcpbox: hosts=*

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypedDict
from xml.etree import ElementTree

import httpx

ATOM = "{http://www.w3.org/2005/Atom}"
ACCEPTED = "application/rss+xml, application/atom+xml, application/xml;q=0.9"


class Article(TypedDict):
    """An article, and the feed that it is from."""

    feed: str
    title: str
    link: str | None
    published: datetime | None


class News(TypedDict):
    """The newest articles of all feeds.

    Attributes:
        articles: The articles, the newest first.
        failed: Why a feed could not be read, by its address.
    """

    articles: list[Article]
    failed: dict[str, str]


async def main(urls: list[str], limit: int = 10) -> News:
    """Fetch several feeds at once and merge their newest articles.

    A feed that cannot be read does not keep the others from being told.

    Args:
        urls: The addresses of the feeds.
        limit: How many articles to return at most.
    """
    found = await asyncio.gather(*map(fetch, urls), return_exceptions=True)
    articles: list[Article] = []
    failed: dict[str, str] = {}
    for url, outcome in zip(urls, found, strict=True):
        if isinstance(outcome, (httpx.HTTPError, ValueError)):
            failed[url] = str(outcome)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            articles += outcome
    if failed and len(failed) == len(urls):
        reasons = "; ".join(f"{url}: {reason}" for url, reason in failed.items())
        raise RuntimeError(f"no feed could be read: {reasons}")
    oldest = datetime.min.replace(tzinfo=UTC)
    articles.sort(key=lambda article: article["published"] or oldest, reverse=True)
    return {"articles": articles[:limit], "failed": failed}


async def fetch(url: str) -> list[Article]:
    """Read one feed; publishers move them, so redirects are followed."""
    response = await http.get(
        url, headers={"Accept": ACCEPTED}, follow_redirects=True, timeout=5
    )
    try:
        # The bytes and not the text: XML says its encoding itself.
        root = ElementTree.fromstring(response.raise_for_status().content)
    except ElementTree.ParseError as error:
        raise ValueError(f"this is not well-formed XML: {error}") from None
    if root.tag == "rss" and (channel := root.find("channel")) is not None:
        feed = channel.findtext("title", url)
        return [rss_article(feed, item) for item in channel.iter("item")]
    if root.tag == f"{ATOM}feed":
        feed = root.findtext(f"{ATOM}title", url)
        return [atom_article(feed, entry) for entry in root.iter(f"{ATOM}entry")]
    raise ValueError(f"expected an RSS 2.0 or Atom feed, got <{root.tag}>")


def rss_article(feed: str, item: ElementTree.Element) -> Article:
    """Read an `<item>`; its time is written as in e-mail."""
    date = item.findtext("pubDate")
    return {
        "feed": feed,
        "title": item.findtext("title", "").strip(),
        "link": item.findtext("link"),
        "published": in_utc(parsedate_to_datetime(date)) if date else None,
    }


def atom_article(feed: str, entry: ElementTree.Element) -> Article:
    """Read an `<entry>`; its time is written in ISO 8601."""
    date = entry.findtext(f"{ATOM}published") or entry.findtext(f"{ATOM}updated")
    links = {link.get("rel", "alternate"): link for link in entry.iter(f"{ATOM}link")}
    link = links.get("alternate")
    return {
        "feed": feed,
        "title": entry.findtext(f"{ATOM}title", "").strip(),
        "link": None if link is None else link.get("href"),
        "published": in_utc(datetime.fromisoformat(date.strip())) if date else None,
    }


def in_utc(time: datetime) -> datetime:
    """Return the time in UTC, which is meant where no zone is given."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
