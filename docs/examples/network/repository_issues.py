"""The issues of a repository on GitHub."""

import re
from datetime import UTC, datetime
from typing import Literal, TypedDict

import httpx

REPOSITORY = re.compile(r"[A-Za-z0-9-]+/(?!\.+$)[A-Za-z0-9._-]+")
HEADERS = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
}


class Issue(TypedDict):
    """An issue."""

    number: int
    title: str
    author: str
    labels: list[str]
    comments: int
    created: datetime
    url: str


async def main(
    repository: str,
    state: Literal["open", "closed", "all"] = "open",
    labels: list[str] | None = None,
    limit: int = 50,
) -> list[Issue]:
    """List the issues of a public repository on GitHub, the newest first.

    Args:
        repository: Owner and name, such as "python/cpython".
        state: Which issues: open, closed, or all.
        labels: Only issues that have all of these labels.
        limit: How many issues to return at most.
    """
    if not REPOSITORY.fullmatch(repository):
        raise ValueError(f"a repository is written 'owner/name', not {repository!r}")
    url: str | None = f"https://api.github.com/repos/{repository}/issues"
    params: dict | None = {"state": state, "per_page": 100}
    if labels:
        params["labels"] = ",".join(labels)
    issues: list[Issue] = []
    while url is not None and len(issues) < limit:
        # A repository that was renamed is found by a redirect.
        response = await http.get(
            url, params=params, headers=HEADERS, follow_redirects=True, timeout=10
        )
        check(response, repository)
        # Pull requests are in this list as well.
        found = (item for item in response.json() if "pull_request" not in item)
        issues += map(issue, found)
        # The address of the next page has the parameters in it.
        url, params = response.links.get("next", {}).get("url"), None
    return issues[:limit]


def check(response: httpx.Response, repository: str) -> None:
    """Say what a failure means to who called."""
    if response.status_code == 404:
        raise ValueError(f"there is no public repository {repository!r} on GitHub")
    remaining = response.headers.get("x-ratelimit-remaining")
    if response.status_code in (403, 429) and remaining == "0":
        reset = datetime.fromtimestamp(int(response.headers["x-ratelimit-reset"]), UTC)
        raise RuntimeError(f"GitHub answers no more requests until {reset:%H:%M} UTC")
    response.raise_for_status()


def issue(item: dict) -> Issue:
    """Pick what a reader wants to know."""
    return {
        "number": item["number"],
        "title": item["title"],
        # The account may have been deleted.
        "author": (item["user"] or {"login": "ghost"})["login"],
        "labels": [label["name"] for label in item["labels"]],
        "comments": item["comments"],
        "created": datetime.fromisoformat(item["created_at"]),
        "url": item["html_url"],
    }
