"""What the scripts share that play a person in a real browser: the browser, whose errors fail the script, and the way in."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def browser_page(*, console: bool = True) -> Iterator[Page]:
    """A page of a browser; an uncaught error on it fails, and what its console calls an error unless told otherwise."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        if console:
            page.on(
                "console",
                lambda message: problems.append(message.text) if message.type == "error" else None,
            )
        yield page
        browser.close()
        assert not problems, problems


def sign_in(page: Page, admin: str, name: str, password: str) -> None:
    """From the form for it to the first page."""
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{admin}/")
